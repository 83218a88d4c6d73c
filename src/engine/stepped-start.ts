/**
 * A start about which somebody decides, step by step: before each step (or some) the half-made container waits, and is told what
 * comes next. It can be taken, left out, or done by hand: then the engine looks at the kernel until the step's goal holds, whoever
 * made it hold. Giving up undoes everything, as a failure does.
 */
import type { StepAnswer, StepCondition, WaitingStep } from '../api/schema.ts';
import { Result } from '../kernel/call.ts';
import { describeCall } from '../kernel/describe.ts';
import { errnoName } from '../kernel/errno.ts';
import { start, type StartPlan } from '../runtime/start.ts';
import type { ProcessWatch } from '../runtime/step-rows.ts';
import type { ApplyOptions, Decision, Made } from '../step/apply.ts';
import { explainStep } from '../step/explain.ts';
import { walk, type RanCall, type Step } from '../step/step.ts';
import { typed } from '../step/typed.ts';
import { EngineError, type StepDialogue, type StepOptions } from './engine.ts';
import { TracedStart, type StartWatch } from './start-watch.ts';

/** Without these the engine itself could not go on; the last ones only wait. */
const needed = /^process\.(pipes|clone|wait|ready|go|gate|started|exec|exec-init|private|descriptors)$|^console\.(take|open)$|^cgroup\.open$/;
/** Steps that only wait for the process, or are how it waits. */
const waits = /^process\.(wait|ready|go|gate|started)$/;
const needsResult = 'later steps need the descriptor that it gives';
/** Milliseconds between two looks at whether a goal holds. */
const looking = 200;

/** The start was given up; everything is undone. */
export class Aborted extends Error {
  override readonly name = 'Aborted';
}

/** Whether a step is meant by a name: its id, or its area. `net` is short for `network`. */
function isMeant(id: string, name: string): boolean {
  const full = name.replace(/^net(?=\.|$)/, 'network');
  return id === full || id.startsWith(`${full}.`);
}

export class SteppedStart implements StartWatch {
  readonly #dialogue: StepDialogue;
  readonly #asked: StepOptions;
  readonly #traced: TracedStart | undefined;
  readonly #undone: string[] = [];
  /** Ids of steps whose results later ones need. */
  readonly #used = new Set<string>();
  #rest = false;
  #pid: number | undefined;
  /** Where the process attaches its root. */
  #root = '';
  #waiting: WaitingStep | undefined;
  readonly #givenUp = new AbortController();
  readonly process: ProcessWatch;
  readonly options: Pick<ApplyOptions, 'before' | 'onCall' | 'onStep'>;

  constructor(dialogue: StepDialogue, options: StepOptions) {
    this.#dialogue = dialogue;
    this.#asked = options;
    this.#traced = options.trace ? new TracedStart() : undefined;
    this.process = {
      clock: options.trace,
      pauses: (step) => this.#pauses(step),
      decide: (step, { pid, lane }) => {
        this.#pid = pid;
        return this.#decide(step, lane);
      },
    };
    this.options = {
      before: (step) => {
        // What only waits for the process is no step of anybody's; the process stops before its own.
        if (!waits.test(step.id)) this.#stopIfGivenUp(step);
        return this.#pauses(step) ? this.#decide(step, 'engine') : 'take';
      },
      onCall: (made) => {
        this.#traced?.options.onCall?.(made);
        if (made.part === 'undo' && made.returned >= 0) this.#undone.push(`${made.step.id}: ${describeCall(made.call)}`);
      },
      onStep: (step, returned) => {
        if (step.id === 'process.ready') this.#pid = returned[0];
        if (this.#pauses(step)) this.#dialogue.tell({ kind: 'taken', id: step.id, by: 'engine', calls: callsOf(step, returned) });
      },
    };
  }

  /** Checks that every name means a step of this start, and that what is to be done by hand can be. @throws EngineError 400 */
  check(plan: StartPlan): void {
    const all = [...stepsOf(plan)];
    this.#root = plan.overlay.target;
    const ids = [...new Set(all.map(({ id }) => id))];
    const { before, hand } = this.#asked;
    for (const name of [...(before === 'all' ? [] : before), ...hand])
      if (!ids.some((id) => isMeant(id, name)))
        throw new EngineError(400, `no step of this start is called ${name}: there are ${ids.filter((id) => !waits.test(id)).join(', ')}`);
    for (const step of all) if (isUsed(step, all)) this.#used.add(step.id);
    for (const name of hand)
      for (const step of all.filter(({ id }) => isMeant(id, name))) {
        const why =
          this.#used.has(step.id) && !step.adopt ? needsResult : step.goal ? undefined : 'only the one who takes it can do it, and nobody in its place';
        if (why) throw new EngineError(400, `the step ${step.id} can't be done by hand: ${why}`);
      }
  }

  get trace(): TracedStart['trace'] {
    return this.#traced?.trace;
  }

  /** Where it stands; undefined while nobody is waited for. */
  waiting(): WaitingStep | undefined {
    return this.#waiting;
  }

  /** Gives up before the next step, and now where one is waited for. */
  abort(why: string): void {
    this.#givenUp.abort(why);
  }

  /** @throws Aborted */
  #stopIfGivenUp({ id }: Step<unknown>): void {
    const { aborted, reason } = this.#givenUp.signal;
    if (aborted) throw new Aborted(`the start was given up before ${id}: ${String(reason)}`);
  }

  ended(outcome: { readonly pid: number } | { readonly failure: Error }): void {
    this.#traced?.ended(outcome);
    if ('pid' in outcome) this.#dialogue.tell({ kind: 'started' });
  }

  /** What the calls that take back did. */
  get undone(): readonly string[] {
    return this.#undone;
  }

  #pauses(step: Step<unknown>): boolean {
    if (waits.test(step.id)) return false;
    const { before, hand } = this.#asked;
    if (hand.some((name) => isMeant(step.id, name))) return true;
    return !this.#rest && (before === 'all' || before.some((name) => isMeant(step.id, name)));
  }

  async #decide(step: Step<unknown>, lane: RanCall['lane'] | 'engine'): Promise<Decision> {
    this.#stopIfGivenUp(step);
    // The gates of the process are fixed when it is made; what is not to be asked any more goes through.
    const hand = this.#asked.hand.some((name) => isMeant(step.id, name));
    if (this.#rest && !hand) return 'take';
    const why = needed.test(step.id) ? 'the engine could not go on without it' : this.#used.has(step.id) ? needsResult : undefined;
    this.#waiting = { Step: step.id, What: step.what, Lane: lane, Pid: this.#pid ?? 0 };
    this.#dialogue.tell({
      kind: 'step',
      lane,
      hand,
      step: explainStep(
        typed(step, { ...(this.#pid === undefined ? {} : { pid: this.#pid }), root: this.#root, inside: lane === 'process' }),
        lane === 'process',
      ),
      ...(this.#pid === undefined ? {} : { pid: this.#pid }),
      ...(why === undefined ? {} : { needed: why }),
    });
    try {
      const decision = await (hand ? this.#byHand(step, why) : this.#answer(step, why));
      if (lane !== 'engine' || decision !== 'take')
        this.#dialogue.tell({ kind: 'taken', id: step.id, by: decision === 'take' ? 'process' : decision === 'skip' ? 'nobody' : 'hand', calls: [] });
      return decision;
    } finally {
      this.#waiting = undefined;
    }
  }

  async #answer(step: Step<unknown>, why: string | undefined): Promise<Decision> {
    for (;;) {
      const decision = this.#judge(step, await this.#dialogue.answer(this.#givenUp.signal), why);
      if (decision) return decision;
    }
  }

  /** @returns undefined where nothing was decided @throws Aborted */
  #judge(step: Step<unknown>, answer: StepAnswer | undefined, why: string | undefined): 'take' | 'skip' | undefined {
    this.#stopIfGivenUp(step);
    if (answer === undefined) return undefined;
    if (answer.do === 'abort') throw new Aborted(`the start was given up before ${step.id}`);
    if (answer.do === 'skip') return why === undefined ? 'skip' : undefined;
    if (answer.do === 'rest') this.#rest = true;
    return 'take';
  }

  /** Waits until the kernel is as the step would have made it. */
  async #byHand(step: Step<unknown>, why: string | undefined): Promise<Decision> {
    let told = '';
    for (;;) {
      const conditions: readonly StepCondition[] = step.goal!(this.#pid === undefined ? {} : { pid: this.#pid });
      const text = JSON.stringify(conditions);
      if (text !== told) this.#dialogue.tell({ kind: 'goal', conditions });
      told = text;
      if (conditions.every(({ holds }) => holds)) return 'done';
      const decision = this.#judge(step, await this.#dialogue.answer(this.#givenUp.signal, looking), why);
      if (decision) return decision;
    }
  }
}

/** Whether what a step's calls return is what a later step is made of. */
function isUsed(step: Step<unknown>, all: readonly Step<unknown>[]): boolean {
  if (step.result) return true;
  const ofThis = (arg: unknown): boolean => arg instanceof Result && step.calls.includes(arg.of);
  return all.some((other) => other !== step && other.calls.some(({ args }) => args.some(ofThis)));
}

/** Every step of a start, those of the new process too. */
function* stepsOf(plan: StartPlan): Generator<Step<unknown>> {
  for (const step of walk(start(plan))) {
    yield step;
    yield* step.inside ?? [];
  }
}

function callsOf(step: Step<unknown>, returned: readonly Made['returned'][]): { text: string; returned: number; error?: string }[] {
  return step.calls.slice(0, returned.length).map((call, i) => ({
    text: describeCall(call),
    returned: returned[i]!,
    ...(returned[i]! < 0 ? { error: errnoName(-returned[i]!) } : call.gives === undefined ? {} : { gives: call.gives }),
  }));
}
