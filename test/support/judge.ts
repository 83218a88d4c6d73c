/** Judges steps by their goals while they are taken: before a step its goal must not hold, and after it must, as the kernel shows it. */
import type { Place } from '../../src/step/goal.ts';
import type { Step } from '../../src/step/step.ts';

/** Whether all conditions of a step's goal hold. */
export const holds = (step: Step<unknown>, place: Place): boolean => step.goal!(place).every((condition) => condition.holds);

const told = (step: Step<unknown>, place: Place): string => `${step.id}: ${JSON.stringify(step.goal!(place))}`;

/** A judge of one procedure. */
export class Judge {
  /** Ids of the steps that had a goal. */
  readonly judged: string[] = [];
  /** What was not as it must be. */
  readonly wrong: string[] = [];
  readonly #mayHoldBefore: RegExp | undefined;
  readonly #seenOnlyByHand: string | undefined;
  #previous: { readonly step: Step<unknown>; readonly place: Place } | undefined;

  constructor(exceptions: { readonly mayHoldBefore?: RegExp; readonly seenOnlyByHand?: string } = {}) {
    this.#mayHoldBefore = exceptions.mayHoldBefore;
    this.#seenOnlyByHand = exceptions.seenOnlyByHand;
  }

  /** Looks at a step that is about to be taken; and before, at the one that has been. */
  before(step: Step<unknown>, place: Place = {}): void {
    this.end();
    this.#previous = { step, place };
    if (!step.goal) return;
    this.judged.push(step.id);
    if (holds(step, place) && !this.#mayHoldBefore?.test(step.id)) this.wrong.push(`holds before: ${told(step, place)}`);
  }

  /** Looks at the step that has been taken. */
  end(): void {
    const { step, place } = this.#previous ?? {};
    this.#previous = undefined;
    if (step?.goal && place && step.id !== this.#seenOnlyByHand && !holds(step, place)) this.wrong.push(`does not hold after: ${told(step, place)}`);
  }
}
