/**
 * Markdown on a terminal, as much of it as lessons use: paragraphs, lists, code, tables, emphasis. Each line fits the width, whatever the
 * script; code is never broken.
 */
import { displayWidth } from './columns.ts';
import { unpainted, type Painter, type TextOptions } from './paint.ts';
import { wrapProse } from './prose.ts';

/** Lines of a text. */
export function markdownLines(markdown: string, options: TextOptions): string[] {
  const out: string[] = [];
  const blocks = markdown.trim().split(/\n{2,}/);
  for (const block of joinedCode(blocks)) {
    if (out.length > 0) out.push('');
    out.push(...blockLines(block, options));
  }
  return out;
}

/** Blocks of code may have empty lines in them. */
function joinedCode(blocks: readonly string[]): string[] {
  const joined: string[] = [];
  let open = false;
  for (const block of blocks) {
    if (open) joined[joined.length - 1] += `\n\n${block}`;
    else joined.push(block);
    if ((block.match(/^ *```/gm)?.length ?? 0) % 2 === 1) open = !open;
  }
  return joined;
}

function blockLines(block: string, options: TextOptions): string[] {
  const lines = block.split('\n');
  const out: string[] = [];
  let paragraph: string[] = [];
  const flush = (): void => {
    if (paragraph.length > 0) out.push(...prose(joined(paragraph), '', '', options));
    paragraph = [];
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    const fence = /^( *)```/.exec(line);
    if (fence) {
      flush();
      for (i++; i < lines.length && !lines[i]!.trim().startsWith('```'); i++)
        out.push(`${fence[1]}    ${options.paint('cyan', lines[i]!.slice(fence[1]!.length))}`);
      continue;
    }
    if (line.startsWith('|')) {
      flush();
      const table: string[] = [];
      for (; i < lines.length && lines[i]!.startsWith('|'); i++) table.push(lines[i]!);
      i--;
      out.push(...tableLines(table, options));
      continue;
    }
    const item = /^( *)([-*]|\d+\.) +(.*)$/.exec(line);
    if (!item) {
      paragraph.push(line.trim());
      continue;
    }
    flush();
    const words = [item[3]!];
    // An item goes on in lines that are indented.
    while (i + 1 < lines.length && /^ +\S/.test(lines[i + 1]!) && !/^ *(?:[-*]|\d+\.) |^ *```/.test(lines[i + 1]!)) words.push(lines[++i]!.trim());
    const mark = `${item[1]}${/\d/.test(item[2]!) ? item[2] : '-'} `;
    out.push(...prose(joined(words), mark, ' '.repeat(mark.length), options));
  }
  flush();
  return out;
}

/** Lines of one paragraph as one: a line break between two Japanese characters is no space. */
const joined = (lines: readonly string[]): string =>
  lines.reduce(
    (text, line) =>
      text === '' ? line : /[\u2e80-\ua4cf\uff00-\uff60]$/.test(text) && /^[\u2e80-\ua4cf\uff00-\uff60]/.test(line) ? text + line : `${text} ${line}`,
    '',
  );

function prose(text: string, first: string, rest: string, options: TextOptions): string[] {
  return wrapProse(text, options.width - rest.length).map((line, i) => emphasized(`${i === 0 ? first : rest}${line}`, options.paint));
}

/** On a terminal, marks become colours; a piece that is broken over two lines keeps its marks. */
function emphasized(line: string, paint: Painter): string {
  if (paint === unpainted) return line;
  return line
    .split(/(`[^`]+`)/)
    .map((part, i) =>
      i % 2
        ? paint('cyan', part.slice(1, -1))
        : part
            .replace(/\*\*([^*]+)\*\*/g, (_, text: string) => paint('bold', text))
            .replace(/(?<!\*)\*([^*\s][^*]*)\*(?!\*)/g, (_, text: string) => paint('bold', text)),
    )
    .join('');
}

/** A table as cells one below the other where it is too wide for the lines that it has. */
function tableLines(table: readonly string[], options: TextOptions): string[] {
  const rows = table
    .filter((line) => !/^\|[\s:|-]+\|$/.test(line))
    .map((line) =>
      line
        .trim()
        .replace(/^\||\|$/g, '')
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|')),
    );
  return rowsLines(rows, options);
}

/** Rows of cells, the first of which is their head. */
export function rowsLines([head = [], ...rows]: readonly (readonly string[])[], { width, paint }: TextOptions): string[] {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((cells) => displayWidth(plain(cells[i] ?? '')))));
  const pad = (text: string, to: number): string => text + ' '.repeat(Math.max(0, to - displayWidth(text)));
  if (widths.reduce((sum, w) => sum + w + 3, 0) - 3 <= width) {
    const line = (cells: readonly string[], style: (text: string, column: number) => string): string =>
      cells
        .map((cell, i) => style(pad(plain(cell), i === cells.length - 1 ? 0 : widths[i]!), i))
        .join('   ')
        .trimEnd();
    return [line(head, (text) => paint('bold', text)), ...rows.map((cells) => line(cells, (text) => text))];
  }
  const label = Math.max(...head.map((cell) => displayWidth(cell)));
  return rows.flatMap((cells, n) => [
    ...(n > 0 ? [''] : []),
    ...cells.flatMap((cell, i) =>
      wrapProse(plain(cell), width - label - 2).map((line, j) => `${j === 0 ? paint('dim', pad(head[i] ?? '', label)) : ' '.repeat(label)}  ${line}`),
    ),
  ]);
}

const plain = (cell: string): string => cell.replaceAll('`', '').replaceAll('**', '');
