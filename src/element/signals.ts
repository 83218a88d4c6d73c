/**
 * Signals while this process takes steps: one that would end it between two of them would leave behind what they made. It is noted, the
 * next step is not taken, and what was done is taken back. While a program is in the foreground signals are its affair; once that has
 * ended, so has the command but for its clearing up, which goes on to its end, and this process tells the program's exit code: a key that
 * is pressed twice does not replace it. SIGQUIT is left as it is, for who can't wait.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { constants } from 'node:os';
import { ElementError } from './error.ts';

const ending = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A signal that asks a process to end. */
export type EndingSignal = (typeof ending)[number];

let holders = 0;
let handled = false;
let noted: EndingSignal | undefined;
let borrower: ((name: EndingSignal) => void) | undefined;

const handlers = ending.map((name) => [name, (): void => void (borrower ? borrower(name) : (noted ??= name))] as const);
const ignore = (): void => {};

/** Holds the signals while `body` runs, which may do the same again. What it makes beside steps is safe, too, if it takes it away in a `finally`. */
export async function holdingSignals<R>(body: () => Promise<R>): Promise<R> {
  if (holders++ === 0) {
    noted = borrower = undefined;
    handle(true);
  }
  try {
    return await body();
  } finally {
    // After a program there is only its exit code to be told.
    if (--holders === 0 && borrower === undefined) handle(false);
  }
}

function handle(whether: boolean): void {
  if (whether === handled) return;
  handled = whether;
  for (const [name, handler] of handlers) process[whether ? 'on' : 'off'](name, handler);
}

/** @throws ElementError when a signal has asked this process to end */
export function refuseWhenInterrupted(): void {
  const error = interruption();
  if (error) throw error;
}

/** The same for who works on and on in one step: signals are seen only when the event loop turns. */
export async function turnOrRefuse(): Promise<void> {
  await turn();
  refuseWhenInterrupted();
}

/** The sentence for that; undefined when none has asked. */
export const interruption = (): ElementError | undefined =>
  noted && new ElementError(`interrupted by ${noted}: what had been done has been taken back`, 128 + constants.signals[noted]);

/** Gives the signals to a program in the foreground: `take` gets those that ask to end; SIGQUIT is a key of its terminal. */
export function lendSignals(take: (name: EndingSignal) => void): void {
  borrower = take;
  process.on('SIGQUIT', ignore);
}

/** Takes them back when it has ended: none of them stops the clearing up. */
export function takeSignalsBack(): void {
  borrower = ignore;
  process.off('SIGQUIT', ignore);
}
