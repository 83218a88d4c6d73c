/**
 * Launching a process that becomes this program's own child (CLONE_PARENT), and the child of who collects orphans when this program
 * ends: the way of an OCI runtime, of which nothing stays. See runtime-spec "create", prctl(2) PR_SET_CHILD_SUBREAPER.
 */
import { closeSync } from 'node:fs';
import { call, Unknown } from '../kernel/call.ts';
import { waitFlags } from '../kernel/flags.ts';
import { must, performNow } from '../kernel/perform.ts';
import { identify, killProcess, type ProcessIdentity } from '../kernel/process.ts';
import { step, type Procedure } from '../step/step.ts';
import { BlockingMeeting } from './blocking-meeting.ts';
import type { InitPlan } from './init.ts';
import { arrive, launchSteps, type Launched, type LaunchPlan, type LaunchWay } from './launch-steps.ts';
import { reapMonitor } from './monitor.ts';
import { execFailure } from './program-steps.ts';
import { failed, StartError } from './start-error.ts';

/** How a child is to be launched. */
export interface ChildPlan extends LaunchPlan {
  readonly stdio: InitPlan['stdio'];
  /** It stops when it is created, and waits to be started. */
  readonly gated: boolean;
  /** Done while the process takes its steps by itself: what it does not need. @throws what ends it, and the launch */
  readonly meanwhile?: (() => void) | undefined;
  /** Is given the terminal's master. @throws KernelError */
  readonly takeTerminal?: ((master: number) => void) | undefined;
}

/** A child that was launched. */
export interface Child {
  readonly process: ProcessIdentity;
  /** Lets one that waits to be started outlive us: until then it ends when we do, since nobody else knows of it. */
  readonly entrust: () => void;
  /** Waits until it has become its program, for one that waited to be started. @throws StartError when it could not */
  readonly begun: () => Promise<void>;
}

/** Clones the process, does what it waits for, and sees it created or become its program. */
export function* launchChild(plan: ChildPlan): Procedure<Child> {
  const { launched } = yield* launchSteps(plan, wayOf(plan));
  return yield* step<Child>({
    id: plan.gated ? 'process.await-created' : 'process.started',
    what: plan.gated ? 'See that the process is created' : 'See the process become its program',
    calls: [call('read', [new Unknown('SYNC'), new Uint8Array(1), 1], { perform: () => seeIt(plan, launched()!) })],
    shell: plan.gated ? 'until [ -p "$TMP"/start ]; do :; done' : '# env(1) says so itself when it cannot become the program.',
    look: plan.gated ? 'cat /proc/$PID/wchan' : 'readlink /proc/$PID/exe',
    undone: 'makes nothing: it waits',
    result: () => ({ process: identityOf(launched()!), entrust: () => launched()!.meeting.release(), begun: () => seeItBegin(plan, launched()!) }),
    unknown: { process: { pid: -1, startTime: '' }, entrust: () => {}, begun: async () => {} },
  });
}

async function seeIt(plan: ChildPlan, launched: Launched): Promise<number> {
  plan.meanwhile?.();
  if (!plan.gated) await seeItBegin(plan, launched);
  else await arrive(launched);
  reapMonitor(launched.monitor.pid);
  return 0;
}

async function seeItBegin(plan: ChildPlan, { monitor, meeting }: Launched): Promise<void> {
  await meeting.ended();
  if (monitor.failure() ?? monitor.verdict()) throw failed(monitor);
  const returned = monitor.execResults();
  if (returned.length === plan.exec.calls.length) {
    const { code, message } = execFailure((plan.exec.calls[0]!.args[1] as readonly string[])[0] ?? '', returned);
    throw new StartError(code, message);
  }
}

function identityOf({ monitor }: Launched): ProcessIdentity {
  const pid = monitor.processId();
  if (pid === undefined) throw failed(monitor);
  // It is our child, and nobody else collects it: its id is not another's, even if it has ended.
  return identify(pid) ?? { pid, startTime: '' };
}

function wayOf({ stdio, takeTerminal }: ChildPlan): LaunchWay {
  return {
    monitor: {
      parent: 'caller',
      receiveDescriptor: false,
      inherit: stdio === 'terminal' ? [] : [stdio.stdin, stdio.stdout, stdio.stderr].map(Number),
      hold: [],
    },
    meet: (socket) => new BlockingMeeting(socket),
    abandon: abandonChild,
    keepTerminal: (_, master) => takeTerminal?.(master),
  };
}

/** Kills and collects a process that will not be started after all. */
function abandonChild({ monitor, meeting }: Launched): number {
  meeting.close();
  // It ends when it has cloned: then there is a process, or there will be none.
  performNow(call('wait4', [monitor.pid, null, waitFlags.__WALL, null]));
  const pid = monitor.processId();
  const identity = pid === undefined ? undefined : identify(pid);
  if (identity) killProcess(identity);
  if (pid !== undefined) performNow(call('wait4', [pid, null, waitFlags.__WALL, null]));
  closeSync(monitor.tableFd);
  return 0;
}

/** Collects a child that has ended. @returns its exit status as wait(2) gives it */
export function collectChild(pid: number): number {
  const status = new Uint8Array(4);
  must(call('wait4', [pid, status, waitFlags.__WALL, null]));
  return new DataView(status.buffer).getInt32(0, true);
}
