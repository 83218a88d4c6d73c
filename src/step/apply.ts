/**
 * Apply: runs a procedure's steps against the kernel. When a call fails, every step done so far is undone in
 * reverse order, and the error names step, call, object and errno.
 */
import { Result, type Call } from '../kernel/call.ts';
import { describeCall } from '../kernel/describe.ts';
import { errnoMessage, errnoName } from '../kernel/errno.ts';
import type { Procedure, Step } from './step.ts';

/** Makes one call; `resolve` gives the value of a {@link Result} argument. */
export interface Kernel {
  call(call: Call, resolve: (r: Result) => number): number | Promise<number>;
}

/** A step that failed. The message is one sentence; `undoFailures` says what could not be taken back. */
export class StepError extends Error {
  override readonly name = 'StepError';
  readonly step: string;
  readonly errno: number;
  readonly code: string;
  readonly look: string;
  undoFailures: string[] = [];
  constructor(step: Step<unknown>, call: Call, number: number, detail = '') {
    super(failureSentence(step, call, number, detail));
    this.step = step.id;
    this.errno = number;
    this.code = errnoName(number);
    this.look = step.look;
  }
}

/** The sentence for a step whose call failed, in whichever process. */
export function failureSentence({ id, what }: Pick<Step<unknown>, 'id' | 'what'>, call: Call, number: number, detail = ''): string {
  const begin = what.slice(0, 1).toLowerCase() + what.slice(1);
  return `${begin}: ${describeCall(call)} failed: ${errnoMessage(number)} (${errnoName(number)})${detail ? `: ${detail}` : ''} [step ${id}]`;
}

/** What is to become of a step: it is taken, left out, or was done by somebody else: then it is taken over, and undone as if it had been taken. */
export type Decision = 'take' | 'skip' | 'done';

/** A call that was made. */
export interface Made {
  readonly step: Step<unknown>;
  readonly call: Call;
  /** Of the step's calls, or those that take it back, or those at the end. */
  readonly part: 'calls' | 'undo' | 'finally';
  /** As the kernel returned it: a negative errno on failure. */
  readonly returned: number;
  /** CLOCK_MONOTONIC, nanoseconds. */
  readonly began: bigint;
  readonly ended: bigint;
}

/** Options of {@link apply}. */
export interface ApplyOptions {
  readonly kernel: Kernel;
  /** Asked before each step; what it throws ends the procedure, and what was done is undone. */
  readonly before?: (step: Step<unknown>) => Decision | Promise<Decision>;
  /** Told of each call that was made. */
  readonly onCall?: (made: Made) => void;
  /** Called after each step: with the values that its calls returned, and the milliseconds it took. */
  readonly onStep?: (step: Step<unknown>, returned: readonly number[], ms: number) => void;
}

/**
 * Runs a procedure to its end and returns its value.
 * @throws StepError when a call fails (after undoing), or whatever the procedure itself throws (also after undoing)
 */
export async function apply<R>(procedure: Procedure<R>, options: ApplyOptions): Promise<R> {
  const { kernel, before, onCall, onStep } = options;
  const values = new Map<Call, number>();
  const resolve = (r: Result): number => {
    const value = values.get(r.of);
    if (value === undefined) throw new Error(`the result of ${r.of.name} is used before the call is made`);
    return value;
  };
  // A promise only where the call waits: nearly none does, and each start makes some hundred.
  const make = (step: Step<unknown>, part: Made['part'], c: Call): number | Promise<number> => {
    const began = onCall ? process.hrtime.bigint() : 0n;
    const done = (returned: number): number => {
      values.set(c, returned);
      onCall?.({ step, call: c, part, returned, began, ended: process.hrtime.bigint() });
      return returned;
    };
    const returned = kernel.call(c, resolve);
    return typeof returned === 'number' ? done(returned) : returned.then(done);
  };
  const begun: Step<unknown>[] = [];
  const adoptedSteps = new Set<Step<unknown>>();

  try {
    let next = procedure.next();
    while (!next.done) {
      const step = next.value as Step<unknown>;
      const decision = before ? await before(step) : 'take';
      if (decision === 'skip') {
        next = procedure.next(step.unknown);
        continue;
      }
      const started = onStep ? process.hrtime.bigint() : 0n;
      begun.push(step);
      if (decision === 'done') {
        adoptedSteps.add(step);
        const adopted = step.adopt?.();
        if (adopted !== undefined) values.set(step.calls.at(-1)!, adopted);
        next = procedure.next(adopted === undefined ? step.unknown : step.result?.(step.calls.map((_, i) => (i === step.calls.length - 1 ? adopted : 0))));
        continue;
      }
      const returned: number[] = [];
      try {
        for (const c of step.calls) {
          const made = make(step, 'calls', c);
          const value = typeof made === 'number' ? made : await made;
          if (value < 0 && !c.accept?.includes(-value)) throw new StepError(step, c, -value, c.failureDetail?.(-value));
          returned.push(value);
        }
      } catch (failure) {
        // The procedure may catch it (a fallback) or let it pass; either way it decides, not we.
        next = procedure.throw(failure);
        continue;
      }
      onStep?.(step, returned, Number(process.hrtime.bigint() - started) / 1e6);
      next = procedure.next(step.result?.(returned));
    }
    return next.value;
  } catch (error) {
    const failures: string[] = [];
    for (const step of begun.toReversed()) {
      const undo = (step.undo ?? []).filter(({ undoes }) => !undoes || adoptedSteps.has(step) || (values.get(undoes) ?? -1) >= 0);
      failures.push(...(await makeAll(undo, (c) => make(step, 'undo', c), values)));
    }
    if (error instanceof StepError) error.undoFailures = failures;
    throw error;
  } finally {
    for (const step of begun.toReversed()) await makeAll(step.finally ?? [], (c) => make(step, 'finally', c), values);
  }
}

/** Makes calls that take something back: each is tried, whatever the others did. A call on a value that never came is left out. */
async function makeAll(calls: readonly Call[], make: (c: Call) => number | Promise<number>, values: ReadonlyMap<Call, number>): Promise<string[]> {
  const failures: string[] = [];
  for (const c of calls) {
    if (c.args.some((a) => a instanceof Result && (values.get(a.of) ?? -1) < 0)) continue;
    const value = await make(c);
    if (value < 0 && !c.accept?.includes(-value)) failures.push(`${describeCall(c)}: ${errnoName(-value)}`);
  }
  return failures;
}
