/**
 * Trace: what really happened when a procedure was applied: each step with its calls, what the kernel returned, and when; the
 * engine's, the monitor's and the new process's in lanes of their own; and the kernel's objects that were born, changed or gone.
 */
import { readlinkSync } from 'node:fs';
import type { Call, Result } from '../kernel/call.ts';
import { describeCall } from '../kernel/describe.ts';
import { errnoName } from '../kernel/errno.ts';
import type { ApplyOptions, Made } from './apply.ts';
import { objectsOf, type KernelObject } from './objects.ts';
import type { RanCall, Step } from './step.ts';

/** One call, as it was made. */
export interface TracedCall {
  /** As strace prints it, with the values that it had: `fsconfig(21, FSCONFIG_SET_STRING, "source", "overlay", 0)`. */
  readonly text: string;
  readonly returned: number;
  /** The errno's name, where it failed. */
  readonly error?: string;
  /** What the value is, where the engine makes more of the call than the kernel returns to it: `descriptor`. */
  readonly gives?: string;
  /** Microseconds from the trace's beginning; absent where no clock could be read. */
  readonly began?: number;
  readonly ended?: number;
}

/** Who took a step: the engine, the monitor that it started, or the container's new process. */
export type Lane = 'engine' | 'monitor' | 'process';

/** One step, as it was taken. */
export interface TracedStep {
  readonly id: string;
  readonly what: string;
  readonly lane: Lane;
  /** Whether it was taken, taken back, or cleared up after. */
  readonly part: Made['part'];
  readonly began?: number;
  readonly ended?: number;
  readonly calls: readonly TracedCall[];
  readonly objects: readonly KernelObject[];
}

/** A whole trace. */
export interface Trace {
  /** When it began, RFC 3339. */
  readonly started: string;
  /** The new process; absent when it was never made. */
  readonly pid?: number;
  readonly steps: readonly TracedStep[];
}

const namespaceLinks = ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'time', 'user', 'uts'];

/** Notes what is applied; give its `options` to `apply`. */
export class Tracer {
  readonly #started = new Date().toISOString();
  readonly #zero = process.hrtime.bigint();
  readonly #made: Made[] = [];
  readonly options: Pick<ApplyOptions, 'onCall'> = { onCall: (made) => void this.#made.push(made) };

  /** The trace so far. @param pid the process that came of it, whose namespaces are then told by their numbers */
  trace(pid?: number): Trace {
    const values = new Map<Call, number>();
    const steps: TracedStep[] = [];
    for (const group of grouped(this.#made)) {
      for (const { call, returned } of group) values.set(call, returned);
      steps.push(this.#step('engine', group, values));
      const { step, part } = group[0]!;
      if (part === 'calls') for (const inside of ranSteps(step)) steps.push(this.#inside(inside, group.at(-1)!.began, values));
    }
    const named = pid === undefined ? steps : steps.map((s) => withNumbers(s, pid));
    return { started: this.#started, ...(pid === undefined ? {} : { pid }), steps: named };
  }

  #since(at: bigint): number {
    return Number(at - this.#zero) / 1000;
  }

  #step(lane: Lane, group: readonly Made[], values: ReadonlyMap<Call, number>): TracedStep {
    const { step, part } = group[0]!;
    return {
      id: step.id,
      what: step.what,
      lane,
      part,
      began: this.#since(group[0]!.began),
      ended: this.#since(group.at(-1)!.ended),
      calls: group.map((made) => ({ ...traced(made, values), began: this.#since(made.began), ended: this.#since(made.ended) })),
      objects: objects(group, values),
    };
  }

  /** Steps of another process: a call began, as far as is known, when the one before it had ended. */
  #inside({ calls: group, previous }: Ran, begin: bigint, values: Map<Call, number>): TracedStep {
    const { step, lane } = group[0]!;
    let last: bigint | undefined = previous ?? begin;
    const calls = group.map((ran) => {
      values.set(ran.call, ran.returned);
      // The monitor may read its clock when the process that it cloned has done something already.
      const began = last === undefined || ran.ended === undefined || last < ran.ended ? last : ran.ended;
      const times = ran.ended === undefined || began === undefined ? {} : { began: this.#since(began), ended: this.#since(ran.ended) };
      last = ran.ended;
      return { ...traced(ran, values), ...times };
    });
    const [began, ended] = [calls[0]?.began, calls.at(-1)?.ended];
    return {
      id: step.id,
      what: step.what,
      lane,
      part: 'calls',
      ...(began === undefined ? {} : { began }),
      ...(ended === undefined ? {} : { ended }),
      calls,
      objects: objects(group, values),
    };
  }
}

/** Calls in a row of the same step and part. */
function grouped(made: readonly Made[]): Made[][] {
  const groups: Made[][] = [];
  for (const one of made) {
    const last = groups.at(-1);
    const first = last?.[0];
    if (first?.step === one.step && first.part === one.part) last!.push(one);
    else groups.push([one]);
  }
  return groups;
}

/** What ran of one step inside another. */
interface Ran {
  readonly calls: RanCall[];
  /** When the call before the first of these had ended. */
  readonly previous: bigint | undefined;
}

function ranSteps(step: Step<unknown>): Ran[] {
  const groups: Ran[] = [];
  let previous: bigint | undefined;
  for (const ran of step.ran?.() ?? []) {
    const last = groups.at(-1);
    if (last?.calls[0]!.step === ran.step) last.calls.push(ran);
    else groups.push({ calls: [ran], previous });
    previous = ran.ended;
  }
  return groups;
}

function traced({ call, returned }: { readonly call: Call; readonly returned: number }, values: ReadonlyMap<Call, number>): TracedCall {
  const nameOf = (r: Result): string => String(values.get(r.of) ?? r.of.label ?? r.of.name);
  const meant = returned < 0 ? { error: errnoName(-returned) } : call.gives === undefined ? {} : { gives: call.gives };
  return { text: describeCall(call, nameOf), returned, ...meant };
}

function objects(group: readonly { readonly call: Call; readonly returned: number }[], values: ReadonlyMap<Call, number>): KernelObject[] {
  const all = group.flatMap(({ call, returned }) => objectsOf(call, returned, (of) => values.get(of)));
  // What several calls of a step change is told once.
  return [...new Map(all.map((object) => [JSON.stringify(object), object])).values()];
}

/** The namespaces that the process is in, by the numbers that the kernel gives them. */
function withNumbers(step: TracedStep, pid: number): TracedStep {
  if (!step.objects.some(({ kind }) => kind === 'namespace')) return step;
  return {
    ...step,
    objects: step.objects.map((o) => (o.kind === 'namespace' && namespaceLinks.includes(o.name) ? { ...o, name: namespaceNumber(pid, o.name) ?? o.name } : o)),
  };
}

function namespaceNumber(pid: number, type: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${type}`);
  } catch {
    return undefined; // the process has ended
  }
}
