/** Explain: walks a procedure without touching the kernel and tells what each step would do. */
import { describeCalls } from '../kernel/describe.ts';
import { walk, type Procedure, type Step } from './step.ts';

/** One step, in the four ways a person can see it. */
export interface Explanation {
  readonly id: string;
  readonly what: string;
  readonly shell: string;
  readonly calls: readonly string[];
  readonly look: string;
  readonly undo: readonly string[];
  /** Why there is nothing in `undo`: what takes away by itself what the step made. Empty where undo says it, or nobody knows. */
  readonly undone: string;
  /** The steps that another process does inside this one. */
  readonly inside: readonly Explanation[];
}

/** Explains one step; the text of the calls is derived from the calls themselves. */
export function explainStep(step: Step<unknown>, isInside = false): Explanation {
  return {
    id: step.id,
    what: step.what,
    shell: step.shell,
    calls: describeCalls(step.calls),
    look: step.look,
    undo: describeCalls(step.undo ?? []),
    undone: whyNoUndo(step, isInside),
    inside: (step.inside ?? []).map((s) => explainStep(s, true)),
  };
}

function whyNoUndo({ undo, undone, finally: closing }: Step<unknown>, isInside: boolean): string {
  if (undo?.length) return '';
  return undone ?? (isInside ? 'ends with the process that does it' : closing?.length ? 'what it opens is closed when all is done, or has failed' : '');
}

/** Explains a whole procedure. Values that only the kernel can give appear as `$NAME`. */
export function explain(procedure: Procedure<unknown>): Explanation[] {
  return Array.from(walk(procedure), (step) => explainStep(step));
}
