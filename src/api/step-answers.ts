/** The answers of a person who is asked about each step of a start: as they come, each given out once. */
import type { StepAnswer } from './schema.ts';

const words: ReadonlySet<unknown> = new Set<StepAnswer['do']>(['take', 'skip', 'rest', 'abort']);

export class StepAnswers {
  readonly #waiting: StepAnswer[] = [];
  #wake: () => void = () => {};

  /** Takes a line of the client's. What is no answer is passed over. */
  take(line: string): void {
    let answer: unknown;
    try {
      answer = (JSON.parse(line) as StepAnswer | null)?.do;
    } catch {
      return;
    }
    if (words.has(answer)) this.give({ do: answer as StepAnswer['do'] });
  }

  give(answer: StepAnswer): void {
    this.#waiting.push(answer);
    this.#wake();
  }

  /** The next; `undefined` when none came before the signal, or within some milliseconds. */
  async next(signal: AbortSignal, milliseconds?: number): Promise<StepAnswer | undefined> {
    if (this.#waiting.length === 0 && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
      const wake = (): void => resolve();
      this.#wake = wake;
      signal.addEventListener('abort', wake);
      await promise;
      signal.removeEventListener('abort', wake);
      clearTimeout(timer);
    }
    return this.#waiting.shift();
  }
}
