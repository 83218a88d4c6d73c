/** Explain: walks a procedure without touching the kernel and tells what each step would do. */
import { describeCalls } from '../kernel/describe.ts';
import type { Procedure, Step } from './step.ts';

/** One step, in the four ways a person can see it. */
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

/** Explains one step; the text of the calls is derived from the calls themselves. */
export function explainStep(step: Step<unknown>): Explanation {
  return {
    id: step.id,
    what: step.what,
    shell: step.shell,
    calls: describeCalls(step.calls),
    look: step.look,
    undo: describeCalls(step.undo ?? []),
    inside: (step.inside ?? []).map(explainStep),
  };
}

/** Explains a whole procedure. Values that only the kernel can give appear as `$NAME`. */
export function explain(procedure: Procedure<unknown>): Explanation[] {
  const all: Explanation[] = [];
  for (let next = procedure.next(); !next.done;) {
    const step = next.value as Step<unknown>;
    all.push(explainStep(step));
    next = procedure.next(step.unknown);
  }
  return all;
}
