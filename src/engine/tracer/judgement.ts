/** Who refused what a traced process met, in the words of a report: what was seen before it counts too. */
import { dirname } from 'node:path';
import type { Gate } from '../../api/schema.ts';
import { native } from '../seccomp/native.ts';
import { attribute, plain } from './attribute.ts';
import { callText, fileUses, manOf } from './calls.ts';
import { readCounters, type Counters } from './counters.ts';
import { objectOf, type Event } from './observed.ts';
import { gate, type RefusedCall, type WhyContext } from './refused-call.ts';
import type { SignalRefusal } from './signals.ts';
import type { TracedThread } from './thread.ts';

type Judged = Omit<Event, 'order' | 'object' | 'ordinary'>;
type About = Pick<Event, 'text' | 'man' | 'path' | 'program'>;

/** Of paths that are not there, so many are walked: a program that looks for files everywhere is not to be slowed without end. */
const mostWalks = 2000;

/** What can be read of a thread, unless it was killed meanwhile, or hands over what no reader expects. */
function unless<T>(read: () => T, otherwise: (failure: Error) => T): T {
  try {
    return read();
  } catch (failure) {
    return otherwise(failure as Error);
  }
}

export class Judgement {
  readonly #context: WhyContext;
  /** What the counters of its cgroup said before what is judged next. */
  counters: Counters;
  #walks = 0;
  /** A process has restricted itself by Landlock. */
  landlocked = false;

  constructor(context: WhyContext, counters: Counters) {
    this.#context = context;
    this.counters = counters;
  }

  /** Of a call that the kernel refused. @param begun whether it is its program already: before, it bears the engine's name for it */
  ofCall(call: RefusedCall, begun: boolean): Judged {
    const { thread, name, arch, args } = call;
    const isNative = arch === native.arch;
    const path = isNative
      ? unless(
          () => fileUses(thread, name, args)[0]?.path,
          () => undefined,
        )
      : undefined;
    return this.of(call, {
      text: isNative
        ? unless(
            () => callText(thread, name, args),
            () => `${name}(…)`,
          )
        : name,
      man: manOf(name),
      path: path ?? '',
      program: begun ? thread.program : objectOf(path),
    });
  }

  /** Of anything that was refused with an error. */
  of(call: RefusedCall, about: About): Judged {
    const gates = this.#gatesOf(call, about.path);
    if (call.error === 'EAGAIN') this.counters = readCounters(this.#context);
    return { ...about, call: call.name, error: call.error, pid: call.thread.tid, gates };
  }

  #gatesOf(call: RefusedCall, path: string): readonly Gate[] {
    const { name, error } = call;
    if (error === 'ENOENT' && path !== '' && ++this.#walks > mostWalks)
      return [plain(gate('missing', [error], { path, directory: dirname(path), why: 'no-entry', container: this.#context.name }, [], { certain: false }))];
    return unless<readonly Gate[]>(
      () => attribute(call, { forked: this.counters.get('pids.events max')?.value, landlocked: this.landlocked, tracer: process.pid }),
      ({ message }) => [plain(gate('unknown', [error], { call: name, error }, [`it could not be looked at: ${message}`], { certain: false }))],
    );
  }

  /** Of what was refused by a signal. */
  ofSignal(thread: TracedThread, { text, signal, man, gate: judged }: SignalRefusal): Judged {
    return { text, call: 'signal', error: signal, man, pid: thread.tid, program: thread.program, gates: [plain(judged)], path: '' };
  }
}
