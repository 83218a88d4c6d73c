/**
 * Launching a process through a monitor, as steps: clone, what the engine does for it at the rendezvous, execve.
 * Used by `start` for a container's first process and by `exec` for more.
 */
import { closeSync } from 'node:fs';
import { call, Unknown, type Call, type Known } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { fcntlCommands, openFlags } from '../kernel/flags.ts';
import { performNow } from '../kernel/perform.ts';
import { openProcess, signalProcess, takeDescriptor, type ProcessIdentity } from '../kernel/process.ts';
import { step, type Procedure, type Step } from '../step/step.ts';
import { isTerminalMaster } from './console.ts';
import { cloneArgs, describeFailure, nullDevice, sendDescriptor, socketPair, startMonitor, type Monitor } from './monitor.ts';
import { ContainerProcess, identify, type Streams } from './process.ts';
import { execFailure } from './program-steps.ts';
import { Rendezvous } from './rendezvous.ts';

/** A process that could not be started, for a reason of the image's or the user's; `code` is the exit code that says so. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly code: 125 | 126 | 127;
  constructor(code: 125 | 126 | 127, message: string) {
    super(message);
    this.code = code;
  }
}

/** The ends of a process's standard streams. */
export interface StdioEnds {
  /** Ours. */
  readonly streams: Streams;
  /** The process's, to be inherited; all of them pipes except a null device. */
  readonly child: { readonly stdin: Known; readonly stdout: Known; readonly stderr: Known; readonly pipes: readonly number[] };
}

const pipeBytes = 1 << 18;

/**
 * Makes the pipes. Without `stdin` the process reads the null device.
 * @param owner whose they are to be, in the host's ids: for a process in a user namespace, which cannot take what is the host root's.
 * Any other process gives them to its user itself.
 */
export function* makePipes(stdin: boolean, owner?: { readonly uid: number; readonly gid: number }): Procedure<StdioEnds> {
  const ends = Array.from({ length: stdin ? 3 : 2 }, () => new Int32Array(2));
  const bytes = (i: number): Uint8Array => new Uint8Array(ends[i]!.buffer);
  const pipes = ends.map((_, i) => call('pipe2', [bytes(i), openFlags.O_CLOEXEC]));
  const value = (i: number, end: 0 | 1): number => ends[i]![end]!;
  const own = (i: number, { uid, gid }: NonNullable<typeof owner>): Call =>
    call('fchown', [new Unknown('PIPE'), uid, gid], { perform: () => performNow(call('fchown', [value(i, 0), uid, gid])) });
  const unknown: StdioEnds = { streams: {}, child: { stdin: new Unknown('STDIN'), stdout: new Unknown('STDOUT'), stderr: new Unknown('STDERR'), pipes: [] } };
  return yield* step<StdioEnds>({
    id: 'process.pipes',
    what: `Make pipes for ${stdin ? 'standard input, output' : 'standard output'} and error`,
    calls: [...pipes, ...(owner ? ends.map((_, i) => own(i, owner)) : [])],
    shell: 'mkfifo stdout stderr',
    look: 'ls -l /proc/$PID/fd',
    result: () => {
      // Fewer turns for a program that writes much. A limit of the user's may refuse it, and the default serves too.
      for (let i = 0; i < 2; i++) performNow(call('fcntl', [value(i, 0), fcntlCommands.F_SETPIPE_SZ, pipeBytes]));
      const child = { stdout: value(0, 1), stderr: value(1, 1), stdin: stdin ? value(2, 0) : nullDevice() };
      return {
        streams: { stdout: value(0, 0), stderr: value(1, 0), ...(stdin ? { stdin: value(2, 1) } : {}) },
        child: { ...child, pipes: owner ? [] : stdin ? [0, 1, 2] : [1, 2] },
      };
    },
    unknown,
    undo: ends.map((_, i) => closing(() => value(i, ourEnd(i)))),
    // The process has its ends by then.
    finally: ends.map((_, i) => closing(() => value(i, ourEnd(i) === 0 ? 1 : 0))),
  });
}

/** Of the first two pipes (output, error) we read; into the third we write. */
const ourEnd = (i: number): 0 | 1 => (i < 2 ? 0 : 1);

function closing(fd: () => number): Call {
  return call('close', [new Unknown('PIPE')], { perform: () => (fd() > 2 ? performNow(call('close', [fd()])) : 0) });
}

/** How a process is to be launched. */
export interface LaunchPlan {
  readonly name: string;
  readonly owner: string;
  readonly flags: number;
  readonly cgroupFd?: Known;
  readonly before: readonly Step<unknown>[];
  /** Builds the new process's steps, given its end of the rendezvous socket. */
  readonly init: (sync: number) => { readonly steps: readonly Step<unknown>[]; readonly master?: Call };
  readonly exec: Step<unknown>;
  readonly inherit: readonly Known[];
  readonly stdio: StdioEnds | 'terminal';
  readonly shell: string;
  /** What the engine does for the new process while it waits: id maps, the network. */
  readonly whileWaiting?: (pid: Known) => Procedure;
}

interface Launched {
  readonly monitor?: Monitor;
  readonly rendezvous?: Rendezvous;
  readonly pid: Known;
}

/** Clones the process, does what it waits for, and sees it become its program. */
export function* launch(plan: LaunchPlan): Procedure<ContainerProcess> {
  let launched: Launched | undefined;
  let sync: [number, number] | undefined;
  let master: Call | undefined;
  const isTerminal = plan.stdio === 'terminal';

  const begin = (): number => {
    sync = socketPair();
    const init = plan.init(sync[1]);
    master = init.master;
    const streams = plan.stdio === 'terminal' ? undefined : plan.stdio.streams;
    const child = plan.stdio === 'terminal' ? undefined : plan.stdio.child;
    const monitor = startMonitor({
      name: plan.name,
      owner: plan.owner,
      flags: plan.flags,
      before: plan.before,
      init: init.steps,
      exec: plan.exec,
      sync: sync[1],
      receiveDescriptor: isTerminal,
      ...(plan.cgroupFd === undefined ? {} : { cgroupFd: plan.cgroupFd as number }),
      inherit: [...(plan.inherit as number[]), ...(child ? [child.stdin, child.stdout, child.stderr].map(Number) : [])],
      hold: [streams?.stdout, streams?.stderr].filter((fd) => fd !== undefined),
    });
    closeSync(sync[1]);
    launched = { monitor, rendezvous: new Rendezvous(sync[0]), pid: monitor.pid };
    return monitor.pid;
  };

  yield* step({
    id: 'process.clone',
    what: 'Start the process in its new namespaces; it does the following by itself, as a table of system calls',
    calls: [call('clone3', [cloneArgs(plan.flags, plan.cgroupFd === undefined ? undefined : String(plan.cgroupFd)), 88], { perform: begin, label: 'PID' })],
    shell: plan.shell,
    look: 'ls -l /proc/$PID/ns',
    // Only an explanation asks; what runs is built once, with the descriptors that it has then.
    get inside() {
      return [...plan.before, ...plan.init(explainedSync).steps, plan.exec];
    },
    undo: [call('pidfd_send_signal', [new Unknown('PIDFD'), 9, null, 0], { perform: () => abandon(launched) })],
  });

  if (plan.whileWaiting) {
    const pid = yield* waitForProcess('Wait until the process is ready for its id maps and its network', () => launched);
    yield* plan.whileWaiting(pid);
    yield* releaseProcess(() => launched);
  }
  let terminal: number | undefined;
  if (isTerminal) {
    yield* waitForProcess('Wait until the process has opened its terminal', () => launched);
    yield* step({
      id: 'console.take',
      what: "Take the terminal's other end, and see that it is one",
      calls: [call('pidfd_getfd', [new Unknown('PIDFD'), new Unknown('MASTER'), 0], { perform: () => (terminal = takeTerminal(launched!, master!)) })],
      shell: 'ls -l /proc/$PID/fd',
      look: 'ls -l /proc/$PID/fd',
      undo: [closing(() => terminal ?? -1)],
    });
    yield* releaseProcess(() => launched);
  }
  let outcome: ContainerProcess | undefined;
  yield* step({
    id: 'process.started',
    what: 'See the process become its program',
    calls: [call('read', [new Unknown('SYNC'), new Uint8Array(1), 1], { perform: async () => ((outcome = await finish(plan, launched!, terminal)), 0) })],
    shell: 'cat < $SYNC',
    look: 'readlink /proc/$PID/exe',
  });
  return outcome!;
}

/** The descriptor's place in an explanation's steps, where there is no socket. */
const explainedSync = -1;

function waitForProcess(what: string, launched: () => Launched | undefined): Procedure<Known> {
  return step<Known>({
    id: 'process.ready',
    what,
    calls: [
      call('read', [new Unknown('SYNC'), new Uint8Array(1), 1], {
        perform: async () => {
          const { rendezvous, monitor } = launched()!;
          if (await rendezvous!.arrival()) return monitor!.processId() ?? -errno.ESRCH;
          throw failed(monitor!);
        },
      }),
    ],
    shell: 'read ready < $SYNC',
    look: 'cat /proc/$PID/status',
    result: (returned) => returned[0]!,
    unknown: new Unknown('PID'),
  });
}

function releaseProcess(launched: () => Launched | undefined): Procedure {
  return step({
    id: 'process.go',
    what: 'Let the process go on',
    calls: [call('write', [new Unknown('SYNC'), 'x', 1], { perform: () => (launched()!.rendezvous!.release(), 1) })],
    shell: 'echo go > $SYNC',
    look: 'cat /proc/$PID/wchan',
  });
}

function failed(monitor: Monitor): Error {
  const failure = monitor.failure();
  return new StartError(125, failure ? describeFailure(failure) : 'the process was ended before its program began (killed, or out of memory)');
}

function takeTerminal(launched: Launched, master: Call): number {
  const monitor = launched.monitor!;
  const process = identify(monitor.processId() ?? 0);
  const pidfd = process && openProcess(process);
  if (pidfd === undefined) return -errno.ESRCH;
  const fd = takeDescriptor(pidfd, monitor.valueOf(master) ?? -1);
  closeSync(pidfd);
  if (fd < 0) return fd;
  if (!isTerminalMaster(fd)) {
    closeSync(fd);
    return -errno.ENOTTY;
  }
  sendDescriptor(monitor.control, fd);
  return fd;
}

/** Waits for execve, and judges. */
async function finish(plan: LaunchPlan, { monitor, rendezvous }: Launched, terminal: number | undefined): Promise<ContainerProcess> {
  await rendezvous!.ended();
  if (monitor!.failure()) throw failed(monitor!);
  const returned = monitor!.execResults();
  if (returned.length === plan.exec.calls.length) {
    const failure = execFailure((plan.exec.calls[0]!.args[1] as readonly string[])[0] ?? '', returned);
    throw new StartError(failure.code, failure.message);
  }
  const pid = monitor!.processId();
  if (pid === undefined) throw failed(monitor!);
  monitor!.forgetProcess();
  // A program may have ended by now; the monitor has its status, and nobody needs the process itself.
  const process: ProcessIdentity = identify(pid) ?? { pid, startTime: '' };
  const pidfd = process.startTime ? openProcess(process) : undefined;
  const streams: Streams = terminal === undefined ? (plan.stdio as StdioEnds).streams : { terminal };
  const record = {
    process,
    monitor: identify(monitor!.pid) ?? { pid: monitor!.pid, startTime: '' },
    control: monitor!.control,
    statusOffset: monitor!.statusOffset,
    held: { ...(streams.stdout === undefined ? {} : { stdout: streams.stdout }), ...(streams.stderr === undefined ? {} : { stderr: streams.stderr }) },
    ...(terminal === undefined ? {} : { terminalOffset: monitor!.receivedOffset }),
  };
  return new ContainerProcess(record, streams, pidfd ?? -1, monitor!.tableFd, monitor!.control);
}

/** Ends a process that will not be started after all, and its monitor. */
async function abandon(launched: Launched | undefined): Promise<number> {
  const monitor = launched?.monitor;
  if (!monitor) return 0;
  launched.rendezvous?.close();
  // A monitor that still waits for a terminal goes on when a byte comes without one.
  performNow(call('write', [monitor.control, 'x', 1]));
  const unknown = { pid: 0, startTime: '' };
  const ended = new ContainerProcess(
    { process: unknown, monitor: { pid: monitor.pid, startTime: '' }, control: 0, statusOffset: monitor.statusOffset, held: {} },
    {},
    -1,
    monitor.tableFd,
    monitor.control,
  );
  endProcess(monitor);
  // The monitor may have been on its way to the clone.
  const again = setInterval(() => endProcess(monitor), 5);
  await ended.exited;
  clearInterval(again);
  ended.release();
  return 0;
}

/** Kills a monitor's process, if it has come to be. */
function endProcess(monitor: Monitor): void {
  const pid = monitor.processId();
  const process = pid === undefined ? undefined : identify(pid);
  const pidfd = process && openProcess(process);
  if (pidfd === undefined) return;
  signalProcess(pidfd, 9);
  closeSync(pidfd);
}
