/** What a trace keeps of what it sees: a bounded number of each kind, since a stranger's program decides how much there is. */
import type { MovedCounter } from '../../api/schema.ts';
import { LastOf } from './last-of.ts';
import { objectOf, type Ended, type Event, type Observed, type Said } from './observed.ts';

/** Of refusals that matter, and of those that programs meet all the time: neither pushes the other out. */
const mostEvents = 1000;
/** Of writes to standard error. */
const mostSaid = 200;
const mostEnded = 1000;
const mostFound = 10_000;

/** Errors that programs meet all the time. */
const ordinaryErrors = new Set(['ENOENT', 'ENOTDIR', 'ENOSYS', 'ETIMEDOUT']);

export class Gathered {
  readonly #serious = new LastOf<Event>(mostEvents);
  readonly #ordinary = new LastOf<Event>(mostEvents);
  readonly #said = new LastOf<Said>(mostSaid);
  readonly #ended = new LastOf<Ended>(mostEnded);
  /** Objects that were opened or run, those whose turn came last at the end. */
  readonly #found = new Map<string, number>();
  #order = 0;
  #calls = 0;
  #processes = 1;

  call(): void {
    this.#calls++;
  }

  process(): void {
    this.#processes++;
  }

  refused(event: Omit<Event, 'order' | 'object' | 'ordinary'>): void {
    const ordinary = event.call !== 'signal' && (ordinaryErrors.has(event.error) || event.gates[0]?.kind === 'unknown');
    (ordinary ? this.#ordinary : this.#serious).add({ ...event, order: this.#order++, object: objectOf(event.path), ordinary });
  }

  /** What it wrote to its standard error. */
  said(pid: number, text: string): void {
    this.#said.add({ order: this.#order++, pid, text });
  }

  /** A path was opened or run after all. */
  found(path: string | undefined): void {
    const object = objectOf(path);
    if (object === '') return;
    this.#found.delete(object);
    this.#found.set(object, this.#order++);
    if (this.#found.size > mostFound) this.#found.delete(this.#found.keys().next().value!);
  }

  ended(pid: number, code: number, signal: string | undefined): Ended {
    const ended: Ended = { order: this.#order++, pid, code, signal };
    this.#ended.add(ended);
    return ended;
  }

  /** All of it. @param main how the traced process itself ended */
  observed(main: Ended | undefined, counters: readonly MovedCounter[]): Observed {
    return {
      events: [...this.#serious.items, ...this.#ordinary.items].sort((a, b) => a.order - b.order),
      said: this.#said.items,
      ended: this.#ended.items,
      main,
      found: this.#found,
      calls: this.#calls,
      processes: this.#processes,
      more: this.#serious.gone + this.#ordinary.gone,
      counters,
    };
  }
}
