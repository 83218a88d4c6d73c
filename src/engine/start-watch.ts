/**
 * Somebody watches a start: it is traced, or a person decides about each step. A watched start is the same start, but that its
 * endpoint is not one that was made ahead of need: what is to be seen must happen now.
 */
import type { Trace } from '../api/schema.ts';
import type { ProcessWatch } from '../runtime/step-rows.ts';
import type { ApplyOptions } from '../step/apply.ts';
import { Tracer } from '../step/trace.ts';

/** What a start is given by whoever watches it. */
export interface StartWatch {
  /** For the steps that the new process takes. */
  readonly process: ProcessWatch;
  /** For those that the engine takes. */
  readonly options: Pick<ApplyOptions, 'before' | 'onCall' | 'onStep'>;
  /** Told how it ended: with the process's id, or with why it failed. */
  ended(outcome: { readonly pid: number } | { readonly failure: Error }): void;
}

/** Traces a start; `trace` is there when it has ended. */
export class TracedStart implements StartWatch {
  readonly #tracer = new Tracer();
  readonly process: ProcessWatch = { clock: true };
  readonly options = this.#tracer.options;
  trace: Trace | undefined;

  ended(outcome: { readonly pid: number } | { readonly failure: Error }): void {
    const trace = this.#tracer.trace('pid' in outcome ? outcome.pid : undefined);
    this.trace = 'failure' in outcome ? { ...trace, failure: outcome.failure.message } : trace;
  }
}
