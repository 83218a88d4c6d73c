/**
 * A program in the foreground: with this process's own standard streams, session and terminal, in namespaces and with
 * properties that steps give it. It is how `hako ns run`, `hako cgroup run` and their like start what they are given: the same
 * launcher and monitor as a container's (src/runtime/launch.ts), but the terminal's keys go to it, and this process waits.
 */
import { call, Unknown, type Known } from '../kernel/call.ts';
import { signals, waitFlags, waitTypes } from '../kernel/flags.ts';
import { launch } from '../runtime/launch.ts';
import { takeOwnStreams } from '../runtime/own-descriptors.ts';
import type { ContainerProcess } from '../runtime/process.ts';
import { closeDescriptorsStep, execStep, foregroundStep, stdioStep } from '../runtime/program-steps.ts';
import { waitForEngine } from '../runtime/rendezvous-steps.ts';
import { step, type Procedure, type Step } from '../step/step.ts';
import { lendSignals, takeSignalsBack, type EndingSignal } from './signals.ts';
import { groupStep, hasTerminal, lendTerminal, stopWith } from './terminal.ts';

/** What is to be run. */
export interface ForegroundPlan {
  /** Shown in the list of processes, as its monitor's first argument. */
  readonly name: string;
  /** Clone flags of the new namespaces. CLONE_NEWTIME is for `before`: unshare(2) makes one for children only. */
  readonly flags: number;
  /** It will be in another PID namespace than this process, new or not. */
  readonly otherPids?: boolean;
  /** Done by the program's parent before it is cloned, in the namespaces that this process is in. */
  readonly before?: readonly Step<unknown>[];
  /** Done by the new process, in order, before it becomes the program. */
  readonly inside: readonly Step<unknown>[];
  /** Done last of all, right before it becomes the program: a filter that nothing else is to pass. */
  readonly last?: readonly Step<unknown>[];
  /** Done by this process while the new one waits, before `inside`: id maps, the network. */
  readonly whileWaiting?: (pid: Known) => Procedure;
  /** Descriptors that `before` and `inside` use. They keep their numbers, and are closed before the program. */
  readonly inherit?: readonly Known[];
  /** A directory of the version 2 tree that the process is born in. */
  readonly cgroupFd?: Known;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** The command line that does the same, for explanations: `unshare --uts sh`. */
  readonly shell: string;
}

/** Starts the program and waits for its end. @returns its exit code, as a shell counts: 128 and the signal's number when a signal ended it */
export function* foreground(plan: ForegroundPlan): Procedure<number> {
  const relay = new SignalRelay();
  try {
    return yield* run(plan, relay);
  } finally {
    relay.close();
  }
}

function* run(plan: ForegroundPlan, relay: SignalRelay): Procedure<number> {
  const { before = [], inherit = [] } = plan;
  const lends = plan.otherPids === true && hasTerminal();
  const whileWaiting = lends
    ? function* (pid: Known): Procedure {
        yield* lendTerminal(pid);
        yield* plan.whileWaiting?.(pid) ?? [];
      }
    : plan.whileWaiting;
  const child = yield* takeOwnStreams();
  relay.open();
  const program = yield* launch({
    name: plan.name,
    owner: 'foreground',
    foreground: true,
    flags: plan.flags,
    ...(plan.cgroupFd === undefined ? {} : { cgroupFd: plan.cgroupFd }),
    before,
    init: (sync) => ({
      steps: [
        foregroundStep(),
        ...(lends ? [groupStep()] : []),
        ...(whileWaiting ? [waitForEngine(sync, 'Wait for hako: it does what only its parent may do')] : []),
        ...plan.inside,
        stdioStep(child.stdin, child.stdout, child.stderr, [], { uid: 0, gid: 0 }),
        closeDescriptorsStep([sync]),
        ...(plan.last ?? []),
      ],
    }),
    exec: execStep(plan.args, plan.env),
    inherit,
    stdio: { streams: {}, child },
    shell: plan.shell,
    ...(whileWaiting ? { whileWaiting: [whileWaiting] } : {}),
  });
  return yield* step<number>({
    id: 'process.end',
    what: 'Wait until it has ended',
    calls: [
      call('waitid', [waitTypes.P_PID, new Unknown('PID'), new Uint8Array(128), waitFlags.WEXITED, null], { perform: () => relay.follow(program, lends) }),
    ],
    shell: 'wait $PID',
    look: 'echo $?',
    result: ([code]) => code!,
    unknown: 0,
  });
}

/**
 * Signals of this process while the program is in the foreground: the terminal's keys are the program's, and what ends us ends it. Taken
 * before the program begins, which may ask for one at once.
 */
class SignalRelay {
  #program: ContainerProcess | undefined;
  readonly #early: number[] = [];

  open(): void {
    lendSignals((name) => this.#pass(name));
  }

  close(): void {
    takeSignalsBack();
  }

  #pass(name: EndingSignal): void {
    if (name === 'SIGINT') return;
    const signal = signals[name];
    if (this.#program) this.#program.signal(signal);
    else this.#early.push(signal);
  }

  /** Waits for the program's end. @returns its exit code */
  async follow(program: ContainerProcess, lent: boolean): Promise<number> {
    this.#program = program;
    const endWatch = lent ? stopWith(program.pid) : undefined;
    for (const signal of this.#early.splice(0)) program.signal(signal);
    try {
      return (await program.exited).code;
    } finally {
      endWatch?.();
      program.release();
    }
  }
}
