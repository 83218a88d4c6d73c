/**
 * Launching a process as steps: the clone, and what is done for the process each time it waits, up to its program. What becomes of it
 * then is different: the engine's has a monitor that stays (launch.ts), an OCI runtime's becomes its caller's child (launch-child.ts).
 */
import { closeSync } from 'node:fs';
import { call, Unknown, type Call, type Known } from '../kernel/call.ts';
import { errno, KernelError } from '../kernel/errno.ts';
import type { RewriteTable } from '../kernel/launch/table.ts';
import { openProcess, takeDescriptor } from '../kernel/process.ts';
import { socketPair } from '../kernel/unix-socket.ts';
import { step, type Procedure, type RanCall, type Step } from '../step/step.ts';
import { isTerminalMaster } from './console.ts';
import { processOf, startMonitor, type Monitor } from './monitor.ts';
import { cloneArgs, type MonitorPlan } from './monitor-table.ts';
import { closing } from './pipes.ts';
import type { Meeting } from './rendezvous-steps.ts';
import { failed } from './start-error.ts';
import { handOverStep, type Supervisor } from './seccomp/listener.ts';
import { pausesBefore, type ProcessWatch } from './step-rows.ts';

/** How a process is to be launched. */
export interface LaunchPlan {
  readonly name: string;
  readonly owner: string;
  readonly flags: number;
  readonly cgroupFd?: Known;
  readonly before: readonly Step<unknown>[];
  /** Builds the new process's steps, given its end of the rendezvous socket. */
  readonly init: (sync: number) => { readonly steps: readonly Step<unknown>[]; readonly master?: Call; readonly listener?: Call };
  readonly exec: Step<unknown>;
  readonly inherit: readonly Known[];
  readonly shell: string;
  /** What is done for the new process each time it waits, in this order: id maps, the network; hooks. */
  readonly whileWaiting?: readonly ((pid: Known) => Procedure)[];
  /** Is given the listener of its filter, where that hands calls over. */
  readonly supervisor?: Supervisor | undefined;
  /** Somebody watches the process take its steps. */
  readonly watch?: ProcessWatch;
  /** Nanoseconds by which the new process's monotonic clock is ahead of ours, in a time namespace of its own. */
  readonly clockAhead?: bigint | undefined;
  /** Tells, once the process has gone, that it was for want of memory. */
  readonly outOfMemory?: (() => string | undefined) | undefined;
}

/** What differs between those who launch. */
export interface LaunchWay {
  /** What the monitor is told beside what is the same for all. */
  readonly monitor: Pick<MonitorPlan, 'parent' | 'foreground' | 'receiveDescriptor' | 'hold'> & { readonly inherit: readonly number[] };
  readonly meet: (socket: number) => Meeting;
  /** Gives the process up. */
  readonly abandon: (launched: Launched) => number | Promise<number>;
  /** Keeps a terminal's master, which has been looked at. @throws KernelError */
  readonly keepTerminal: (launched: Launched, master: number) => void;
}

/** A process on its way. */
export interface Launched {
  readonly monitor: Monitor;
  readonly meeting: Meeting;
  /** What it did of its steps, noted before the memory that says so is given back. */
  ran: readonly RanCall[];
}

/** The process on its way, and the terminal's master where it has one. Undefined in an explanation. */
export interface OnItsWay {
  readonly launched: () => Launched | undefined;
  readonly terminal: () => number | undefined;
  /** Notes what has run so far. */
  readonly note: () => void;
}

/** Clones the process, and does what it waits for: it goes on to its program by itself. */
export function* launchSteps(plan: LaunchPlan, way: LaunchWay): Procedure<OnItsWay> {
  let launched: Launched | undefined;
  let init: ReturnType<LaunchPlan['init']> | undefined;
  const note = (): void => {
    if (launched && plan.watch?.clock) launched.ran = launched.monitor.ran();
  };

  let detail: string | undefined;
  const begin = (_resolve: unknown, rewrite?: RewriteTable): number => {
    try {
      return startProcess(rewrite);
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      detail = error.message;
      return -error.errno;
    }
  };
  const startProcess = (rewrite: RewriteTable | undefined): number => {
    const sync = socketPair();
    try {
      init = plan.init(sync[1]);
      const monitor = startMonitor(monitorPlan(plan, way, init, sync[1]), rewrite);
      launched = { monitor, meeting: way.meet(sync[0]), ran: [] };
      return monitor.pid;
    } catch (error) {
      closeSync(sync[0]);
      throw error;
    } finally {
      closeSync(sync[1]);
    }
  };

  yield* step({
    id: 'process.clone',
    what: 'Start the process in its new namespaces; it does the following by itself, as a table of system calls',
    calls: [
      call('clone3', [cloneArgs(plan.flags, plan.cgroupFd === undefined ? undefined : String(plan.cgroupFd)), 88], {
        perform: begin,
        failureDetail: () => detail,
        label: 'PID',
        gives: 'monitor',
      }),
    ],
    shell: plan.shell,
    look: 'ls -l /proc/$PID/ns',
    // Only an explanation asks; what runs is built once, with the descriptors that it has then.
    get inside() {
      return [...plan.before, ...plan.init(explainedSync).steps, plan.exec];
    },
    ran: () => launched?.ran ?? [],
    undo: [call('pidfd_send_signal', [new Unknown('PIDFD'), 9, null, 0], { perform: () => (note(), launched ? way.abandon(launched) : 0) })],
  });

  let terminal: number | undefined;
  let notKept: string | undefined;
  const keep = (master: number): void => {
    try {
      way.keepTerminal(launched!, master);
    } catch (error) {
      if (error instanceof KernelError) notKept = `it could not be handed over: ${error.message}`;
      throw error;
    }
  };
  const take = (): Step => ({
    id: 'console.take',
    what: "Take the terminal's other end, and see that it is one",
    calls: [
      call('pidfd_getfd', [new Unknown('PIDFD'), new Unknown('MASTER'), 0], {
        perform: () => (terminal = takeTerminal(launched!, keep, init!.master!)),
        failureDetail: () => notKept,
      }),
    ],
    shell: '# The terminal is the one that the script runs in.',
    look: 'ls -l /proc/$PID/fd',
    undo: [closing(() => terminal ?? -1)],
  });
  // The process stops where its steps say so, in their order: at gates for who watches, and where something must be done for it.
  const forProcess = [...(plan.whileWaiting ?? [])];
  const hasGate = launched ? launched.monitor.hasGate : (s: Step<unknown>) => pausesBefore(s, plan.watch);
  const { steps, master, listener } = init ?? plan.init(explainedSync);
  let opensTerminal = false;
  let isFiltered = false;
  for (const s of [...plan.before, ...steps, plan.exec]) {
    opensTerminal ||= master !== undefined && s.calls.includes(master);
    isFiltered ||= listener !== undefined && s.calls.includes(listener);
    if (hasGate(s)) yield* gate(s, plan, () => launched);
    if (s.id !== 'process.wait') continue;
    if (opensTerminal) {
      opensTerminal = false;
      yield* waitForProcess('Wait until the process has opened its terminal', () => launched);
      yield* step(take());
    } else if (isFiltered) {
      isFiltered = false;
      const pid = yield* waitForProcess('Wait until the process has loaded its filter', () => launched);
      yield* step(
        handOverStep(
          plan.supervisor!,
          () => takeFrom(launched!, listener!),
          () => pid as number,
        ),
      );
    } else {
      const pid = yield* waitForProcess('Wait until the process is ready for its id maps and its network', () => launched);
      try {
        yield* forProcess.shift()!(pid);
      } catch (error) {
        // What is done for a process fails when the process has: then that is why.
        throw launched?.monitor.failure() ? failed(launched.monitor) : error;
      }
    }
    yield* releaseProcess(() => launched);
  }
  return { launched: () => launched, terminal: () => terminal, note };
}

function monitorPlan(plan: LaunchPlan, way: LaunchWay, init: ReturnType<LaunchPlan['init']>, sync: number): MonitorPlan {
  return {
    ...way.monitor,
    name: plan.name,
    owner: plan.owner,
    flags: plan.flags,
    before: plan.before,
    init: init.steps,
    exec: plan.exec,
    sync,
    ...(plan.watch ? { watch: plan.watch } : {}),
    clockAhead: plan.clockAhead ?? 0n,
    outOfMemory: plan.outOfMemory,
    ...(plan.cgroupFd === undefined ? {} : { cgroupFd: plan.cgroupFd as number }),
    inherit: [...(plan.inherit as number[]), ...way.monitor.inherit],
  };
}

/**
 * Waits for the process to come to a point where it waits. A call that may fail in some ways goes on after every failure, since a table
 * compares no numbers (keyctl(2), where a kernel has no keys): whether it failed in another is looked at here, before the process goes on.
 * @throws StartError when it has not come, or a call has failed on its way
 */
export async function arrive({ monitor, meeting }: Launched): Promise<void> {
  if (!(await meeting.arrival()) || monitor.failure()) throw failed(monitor);
}

/** Lets somebody decide about a step before which the process stands. */
function gate(next: Step<unknown>, plan: LaunchPlan, launched: () => Launched | undefined): Procedure {
  const pass = async (): Promise<number> => {
    const { monitor, meeting } = launched()!;
    await arrive(launched()!);
    const lane = plan.before.includes(next) ? 'monitor' : 'process';
    const decision = (await plan.watch?.decide?.(next, { pid: monitor.processId() ?? monitor.pid, lane })) ?? 'take';
    if (decision !== 'take') monitor.skip(next);
    meeting.release();
    return 0;
  };
  return step({
    id: 'process.gate',
    what: `Let the process go on when it is decided about ${next.id}`,
    calls: [call('write', [new Unknown('SYNC'), 'x', 1], { perform: pass })],
    shell: '# Who types the lines stops where they like.',
    look: 'cat /proc/$PID/wchan',
    undone: 'makes nothing: it waits',
  });
}

/** The descriptor's place in an explanation's steps, where there is no socket. */
const explainedSync = -1;

function waitForProcess(what: string, launched: () => Launched | undefined): Procedure<Known> {
  return step<Known>({
    id: 'process.ready',
    what,
    calls: [
      call('read', [new Unknown('SYNC'), new Uint8Array(1), 1], {
        gives: 'process',
        perform: async () => {
          await arrive(launched()!);
          return launched()!.monitor.processId() ?? -errno.ESRCH;
        },
      }),
    ],
    shell: 'read -r PID <&6',
    look: 'cat /proc/$PID/status',
    undone: 'makes nothing: it waits',
    result: (returned) => returned[0]!,
    unknown: new Unknown('PID'),
  });
}

function releaseProcess(launched: () => Launched | undefined): Procedure {
  return step({
    id: 'process.go',
    what: 'Let the process go on',
    calls: [call('write', [new Unknown('SYNC'), 'x', 1], { perform: () => (launched()!.meeting.release(), 1) })],
    shell: 'echo go >&7',
    look: 'cat /proc/$PID/wchan',
    undone: 'ends with the process',
  });
}

/** Takes a copy of a descriptor that the process has opened; a negative errno on failure. */
function takeFrom({ monitor }: Launched, opened: Call): number {
  const process = processOf(monitor);
  const pidfd = process && openProcess(process);
  const fd = pidfd === undefined ? -errno.ESRCH : takeDescriptor(pidfd, monitor.valueOf(opened) ?? -1);
  if (pidfd !== undefined) closeSync(pidfd);
  if (fd === -errno.ESRCH && monitor.failure()) throw failed(monitor);
  return fd;
}

function takeTerminal(launched: Launched, keep: (master: number) => void, master: Call): number {
  const fd = takeFrom(launched, master);
  if (fd < 0) return fd;
  if (!isTerminalMaster(fd)) {
    closeSync(fd);
    return -errno.ENOTTY;
  }
  try {
    keep(fd);
    return fd;
  } catch (error) {
    closeSync(fd);
    if (error instanceof KernelError) return -error.errno;
    throw error;
  }
}
