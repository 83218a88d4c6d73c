/** `--explain`: every step that the engine would take, printed for a person or as JSON for a program. */
import type { ContainerCreateBody, StepExplanation } from '../api/schema.ts';
import { post } from './client.ts';
import { CommandError, UsageError } from './command.ts';
import { wrap } from './help.ts';
import { painter, textWidth, type Painter, type Style, type TextOptions } from './paint.ts';
import { wrapProse } from './prose.ts';
import { print } from './terminal-text.ts';

/** Asks the engine for the steps of a `run` and prints them. @param form `text` or `json` @throws CommandError with exit code 125 */
export async function printExplanation(form: string, body: ContainerCreateBody, name: string | undefined): Promise<void> {
  checkForm(form);
  let steps: StepExplanation[];
  try {
    steps = await post<StepExplanation[]>('/containers/explain', { name }, body);
  } catch (error) {
    throw error instanceof CommandError ? new CommandError(error.message, { exitCode: 125 }) : error;
  }
  printSteps(form, steps);
}

function checkForm(form: string): void {
  if (form !== 'text' && form !== 'json') throw new UsageError(`invalid argument "${form}" for "--explain" flag: it must be text or json`);
}

/** Prints steps. @param form `text` or `json` */
export function printSteps(form: string, steps: readonly StepExplanation[]): void {
  checkForm(form);
  if (form === 'json') process.stdout.write(`${JSON.stringify(steps, null, 2)}\n`);
  else print(explanationText(steps, { paint: painter(), width: textWidth() }) + more());
}

/** Where more is told, for a person. */
const more = (): string =>
  process.stdout.isTTY ? `${painter()('dim', 'hako explain STEP tells more of a step: why it is there, and what breaks without it.')}\n` : '';

/** How steps are laid out. */
export interface StepTextOptions extends TextOptions {
  /** Whether steps are counted; by default they are. */
  readonly numbers?: boolean;
}

/** The steps as text: what each does, the command a person would type, the calls, where to look, how it is undone. */
export function explanationText(steps: readonly StepExplanation[], options: StepTextOptions): string {
  const { paint } = options;
  const out: string[] = [];

  const tell = (list: readonly StepExplanation[], prefix: string, indent: string): void => {
    list.forEach((step, i) => {
      const number = options.numbers === false ? '' : `${prefix}${i + 1}`;
      const title = wrapProse(step.what, options.width - indent.length - number.length - 2);
      title.forEach((line, j) => out.push(`${indent}${j ? ' '.repeat(number.length + 2) : `${paint('bold', number)}  `}${paint('bold', line)}`));
      const inner = `${indent}   `;
      out.push(...fieldLines(inner, 'step', [step.id], paint, 'dim'), ...stepFields(step, inner, options), '');
      if (step.inside.length) tell(step.inside, `${number}.`, `${indent}   `);
    });
  };
  tell(steps, '', '');
  return out.length ? `${out.join('\n')}\n` : '';
}

const labelWidth = 7;

/** What can be typed, called, looked at and undone of one step, as lines. What can be typed is left whole, to be copied: a terminal wraps it by itself. */
export function stepFields(step: Omit<StepExplanation, 'inside'>, indent: string, options: TextOptions): string[] {
  const wrapped = (lines: readonly string[]): string[] => lines.flatMap((line) => wrapCode(line, options.width - indent.length - labelWidth));
  return [
    ...(step.shell ? fieldLines(indent, 'shell', step.shell.split('\n'), options.paint, 'green') : []),
    ...(step.calls.length ? fieldLines(indent, 'calls', wrapped(step.calls), options.paint, 'cyan') : []),
    ...(step.look ? fieldLines(indent, 'look', step.look.split('\n'), options.paint) : []),
    ...(step.undo.length ? fieldLines(indent, 'undo', wrapped(step.undo), options.paint) : []),
    ...(step.undo.length === 0 && step.undone ? fieldLines(indent, 'undo', wrapped([`none: ${step.undone}`]), options.paint, 'dim') : []),
  ];
}

function fieldLines(indent: string, label: string, lines: readonly string[], paint: Painter, style?: Style): string[] {
  return lines.map((line, i) => `${indent}${i ? ' '.repeat(labelWidth) : paint('dim', label.padEnd(labelWidth))}${style ? paint(style, line) : line}`);
}

/** Breaks a line of code at spaces, continued lines indented; what has no space is left as long as it is, to be copied whole. */
function wrapCode(line: string, width: number): string[] {
  const [first = '', ...rest] = wrap(line, width);
  if (rest.length === 0) return [first];
  return [first, ...wrap(rest.join(' '), width - 2).map((part) => `  ${part}`)];
}
