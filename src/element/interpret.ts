/**
 * What becomes of an element command's steps: they are applied to the kernel by this very process, as the user who typed the
 * command, or explained. The engine is not asked.
 */
import { perform } from '../kernel/perform.ts';
import { apply } from '../step/apply.ts';
import { explain, type Explanation } from '../step/explain.ts';
import type { Procedure } from '../step/step.ts';
import { holdingSignals, interruption, refuseWhenInterrupted } from './signals.ts';

export { ElementError } from './error.ts';
export type { Explanation, Procedure };

/** Runs a procedure to its end. @throws StepError after undoing what was done, what the procedure throws, or ElementError for a signal that asked to end */
export function applied<R>(procedure: Procedure<R>): Promise<R> {
  const before = (): 'take' => (refuseWhenInterrupted(), 'take');
  return holdingSignals(async () => {
    try {
      return await apply(procedure, { kernel: { call: perform }, before });
    } catch (error) {
      // Whatever failed by it: that it was interrupted is what there is to say.
      throw interruption() ?? error;
    }
  });
}

/** Every step that the procedure would take; nothing is done. */
export function explained(procedure: Procedure<unknown>): Explanation[] {
  return explain(procedure);
}
