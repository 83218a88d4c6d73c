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
    super(
      `${lowerFirst(step.what)}: ${describeCall(call)} failed: ${errnoMessage(number)} (${errnoName(number)})${detail ? `: ${detail}` : ''} [step ${step.id}]`,
    );
    this.step = step.id;
    this.errno = number;
    this.code = errnoName(number);
    this.look = step.look;
  }
}

const lowerFirst = (s: string): string => s.slice(0, 1).toLowerCase() + s.slice(1);

/** Options of {@link apply}. */
export interface ApplyOptions {
  readonly kernel: Kernel;
  /** Called after each step: with the values that its calls returned, and the milliseconds it took. */
  readonly onStep?: (step: Step<unknown>, returned: readonly number[], ms: number) => void;
}

/**
 * Runs a procedure to its end and returns its value.
 * @throws StepError when a call fails (after undoing), or whatever the procedure itself throws (also after undoing)
 */
export async function apply<R>(procedure: Procedure<R>, options: ApplyOptions): Promise<R> {
  const { kernel, onStep } = options;
  const values = new Map<Call, number>();
  const resolve = (r: Result): number => {
    const value = values.get(r.of);
    if (value === undefined) throw new Error(`the result of ${r.of.name} is used before the call is made`);
    return value;
  };
  const make = async (c: Call): Promise<number> => {
    const returned = kernel.call(c, resolve);
    const value = typeof returned === 'number' ? returned : await returned;
    values.set(c, value);
    return value;
  };
  const begun: Step<unknown>[] = [];

  try {
    let next = procedure.next();
    while (!next.done) {
      const step = next.value as Step<unknown>;
      const started = performance.now();
      begun.push(step);
      const returned: number[] = [];
      let failure: StepError | undefined;
      for (const c of step.calls) {
        const value = await make(c);
        if (value < 0 && !c.accept?.includes(-value)) {
          failure = new StepError(step, c, -value, c.failureDetail?.());
          break;
        }
        returned.push(value);
      }
      if (failure) {
        // The procedure may catch it (a fallback) or let it pass; either way it decides, not we.
        next = procedure.throw(failure);
        continue;
      }
      onStep?.(step, returned, performance.now() - started);
      next = procedure.next(step.result?.(returned));
    }
    return next.value;
  } catch (error) {
    const failures: string[] = [];
    for (const step of begun.toReversed()) failures.push(...(await makeAll(step.undo ?? [], make, values)));
    if (error instanceof StepError) error.undoFailures = failures;
    throw error;
  } finally {
    for (const step of begun.toReversed()) await makeAll(step.finally ?? [], make, values);
  }
}

/** Makes calls that take something back: each is tried, whatever the others did. A call on a value that never came is left out. */
async function makeAll(calls: readonly Call[], make: (c: Call) => Promise<number>, values: ReadonlyMap<Call, number>): Promise<string[]> {
  const failures: string[] = [];
  for (const c of calls) {
    if (c.args.some((a) => a instanceof Result && (values.get(a.of) ?? -1) < 0)) continue;
    const value = await make(c);
    if (value < 0 && !c.accept?.includes(-value)) failures.push(`${describeCall(c)}: ${errnoName(-value)}`);
  }
  return failures;
}
