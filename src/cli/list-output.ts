/**
 * How lists are printed: a table, `--format` with a template, `json`, or `table TEMPLATE`, or with `-q` one column alone.
 * Docker's names for columns are the fields that a template can use.
 */
import { alignColumns } from './columns.ts';
import { CommandError } from './command.ts';
import { printable, printableLines } from './terminal-text.ts';

export interface Column<T> {
  readonly header: string;
  readonly value: (item: T) => string;
}

/** By the name that templates use. */
export type Columns<T> = Readonly<Record<string, Column<T>>>;

export interface ListFormat<T> {
  readonly columns: Columns<T>;
  /** The columns of the table, by name. */
  readonly table: readonly string[];
  /** What `-q` prints. */
  readonly quietColumn: string;
  /** Functions with arguments that templates can call besides: `{{.Label "name"}}`. */
  readonly methods?: Readonly<Record<string, (item: T, ...args: string[]) => string>>;
}

/** The text of a list. @throws CommandError when the template is wrong */
export async function listText<T>(
  items: readonly T[],
  list: ListFormat<T>,
  options: { readonly format?: string | undefined; readonly quiet?: boolean },
): Promise<string> {
  const { columns } = list;
  const format = options.format ?? '';
  if (options.quiet && (format === '' || format === 'table')) return items.map((item) => `${printable(columns[list.quietColumn]!.value(item))}\n`).join('');
  if (format === '' || format === 'table') {
    const header = list.table.map((name) => columns[name]!.header);
    return alignColumns([header, ...items.map((item) => list.table.map((name) => columns[name]!.value(item)))]);
  }
  if (format === 'json' || format === '{{json .}}')
    return items
      .map(
        (item) =>
          `${JSON.stringify(
            Object.fromEntries(
              Object.keys(columns)
                .toSorted()
                .map((name) => [name, columns[name]!.value(item)]),
            ),
          )}\n`,
      )
      .join('');
  return templateText(items, list, format);
}

async function templateText<T>(items: readonly T[], list: ListFormat<T>, format: string): Promise<string> {
  const { compileTemplate, TemplateError } = await import('./template.ts');
  const isTable = /^table\s/.test(format);
  // A shell leaves `\t` and `\n` as they were typed; Docker reads them as tab and line break.
  const source = (isTable ? format.slice(6).trim() : format).replaceAll('\\t', '\t').replaceAll('\\n', '\n');
  try {
    const template = compileTemplate(source);
    const lines = items.map((item) => template(templateRow(item, list)));
    if (!isTable) return lines.map((line) => `${line}\n`).join('');
    const header = template(headerRow(list));
    return alignColumns([header, ...lines].flatMap((line) => line.split('\n')).map((line) => line.split('\t')));
  } catch (error) {
    if (error instanceof TemplateError) throw new CommandError(`the template of --format is wrong: ${error.message}`);
    throw error;
  }
}

/** What a template sees of an item: fields that are computed when they are asked for. */
function templateRow<T>(item: T, { columns, methods = {} }: ListFormat<T>): object {
  const row = {};
  for (const [name, column] of Object.entries(columns)) Object.defineProperty(row, name, { enumerable: true, get: () => printableLines(column.value(item)) });
  for (const [name, method] of Object.entries(methods)) Object.defineProperty(row, name, { value: (...args: unknown[]) => method(item, ...args.map(String)) });
  return row;
}

function headerRow<T>({ columns, methods = {} }: ListFormat<T>): object {
  const row = {};
  for (const [name, column] of Object.entries(columns)) Object.defineProperty(row, name, { enumerable: true, value: column.header });
  for (const name of Object.keys(methods)) Object.defineProperty(row, name, { value: (key: string = name) => key });
  return row;
}
