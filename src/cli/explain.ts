/** `--explain`: every step that the engine would take, printed for a person or as JSON for a program. */
import type { ContainerCreateBody } from '../api/schema.ts';
import { post } from './client.ts';
import { CommandError, UsageError } from './command.ts';
import { wrap } from './help.ts';

/** One step, as `POST /containers/explain` tells it. */
export interface Explanation {
  readonly id: string;
  readonly what: string;
  readonly shell: string;
  readonly calls: readonly string[];
  readonly look: string;
  readonly undo: readonly string[];
  /** The steps that another process does inside this one. */
  readonly inside: readonly Explanation[];
}

/** Asks for the steps and prints them. @param form `text` or `json` @throws CommandError with exit code 125 */
export async function printExplanation(form: string, body: ContainerCreateBody, name: string | undefined): Promise<void> {
  if (form !== 'text' && form !== 'json') throw new UsageError(`invalid argument "${form}" for "--explain" flag: it must be text or json`);
  let steps: Explanation[];
  try {
    steps = await post<Explanation[]>('/containers/explain', { name }, body);
  } catch (error) {
    throw error instanceof CommandError ? new CommandError(error.message, { exitCode: 125 }) : error;
  }
  if (form === 'json') process.stdout.write(`${JSON.stringify(steps, null, 2)}\n`);
  else process.stdout.write(explanationText(steps, { color: process.stdout.isTTY, width: Math.min(Math.max(process.stdout.columns || 100, 60), 100) }));
}

export interface TextOptions {
  readonly color: boolean;
  /** Columns to wrap at. */
  readonly width: number;
}

const styles = { bold: '1', dim: '2', cyan: '36', green: '32' } as const;

/** The steps as text: what each does, the command a person would type, the calls, where to look, how it is undone. */
export function explanationText(steps: readonly Explanation[], options: TextOptions): string {
  const paint = (style: keyof typeof styles, text: string): string => (options.color ? `\x1b[${styles[style]}m${text}\x1b[0m` : text);
  const out: string[] = [];

  const field = (indent: string, label: string, lines: readonly string[], paintLine: (text: string) => string): void => {
    const room = options.width - indent.length - labelWidth;
    const wrapped = lines.flatMap((line) => wrapCode(line, room));
    wrapped.forEach((line, i) => out.push(`${indent}${i ? ' '.repeat(labelWidth) : paint('dim', label.padEnd(labelWidth))}${paintLine(line)}`));
  };

  const tell = (list: readonly Explanation[], prefix: string, indent: string): void => {
    list.forEach((step, i) => {
      const number = `${prefix}${i + 1}`;
      const title = wrap(step.what, options.width - indent.length - number.length - 2);
      title.forEach((line, j) => out.push(`${indent}${j ? ' '.repeat(number.length + 2) : `${paint('bold', number)}  `}${paint('bold', line)}`));
      const inner = `${indent}   `;
      field(inner, 'step', [step.id], (t) => paint('dim', t));
      if (step.shell) field(inner, 'shell', step.shell.split('\n'), (t) => paint('green', t));
      if (step.calls.length) field(inner, 'calls', step.calls, (t) => paint('cyan', t));
      if (step.look) field(inner, 'look', step.look.split('\n'), (t) => t);
      if (step.undo.length) field(inner, 'undo', step.undo, (t) => t);
      out.push('');
      if (step.inside.length) tell(step.inside, `${number}.`, `${indent}   `);
    });
  };
  tell(steps, '', '');
  return out.length ? `${out.join('\n')}\n` : '';
}

const labelWidth = 7;

/** Breaks a line of code at spaces, continued lines indented; what has no space is left as long as it is, to be copied whole. */
function wrapCode(line: string, width: number): string[] {
  const [first = '', ...rest] = wrap(line, width);
  if (rest.length === 0) return [first];
  return [first, ...wrap(rest.join(' '), width - 2).map((part) => `  ${part}`)];
}
