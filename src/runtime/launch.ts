/**
 * Launching a process whose monitor stays with it: for a container's first process (`start`), for more (`exec`), and for a program in
 * the foreground.
 */
import { identify, openProcess, type ProcessIdentity } from '../kernel/process.ts';
import { sendDescriptor } from '../kernel/unix-socket.ts';
import { call, Unknown } from '../kernel/call.ts';
import { step, type Procedure } from '../step/step.ts';
import { abandon } from './abandon.ts';
import { launchSteps, type Launched, type LaunchPlan as CommonPlan, type LaunchWay } from './launch-steps.ts';
import { processOf } from './monitor.ts';
import type { StdioEnds } from './pipes.ts';
import { ContainerProcess, type Streams } from './process.ts';
import { execFailure } from './program-steps.ts';
import { Rendezvous } from './rendezvous.ts';
import { failed, StartError } from './start-error.ts';

/** How a process is to be launched. */
export interface LaunchPlan extends CommonPlan {
  readonly stdio: StdioEnds | 'terminal';
  /** It stays in the caller's session, with the caller's terminal. */
  readonly foreground?: boolean;
}

/** Clones the process, does what it waits for, and sees it become its program. */
export function* launch(plan: LaunchPlan): Procedure<ContainerProcess> {
  const { launched, terminal, note } = yield* launchSteps(plan, wayOf(plan));
  let outcome: ContainerProcess | undefined;
  yield* step({
    id: 'process.started',
    what: 'See the process become its program',
    calls: [
      call('read', [new Unknown('SYNC'), new Uint8Array(1), 1], { perform: async () => ((outcome = await finish(plan, launched()!, terminal(), note)), 0) }),
    ],
    shell: '# env(1) says so itself when it cannot become the program.',
    look: 'readlink /proc/$PID/exe',
    undone: 'makes nothing: it waits',
  });
  return outcome!;
}

function wayOf({ stdio, foreground }: LaunchPlan): LaunchWay {
  const { streams = {}, child } = stdio === 'terminal' ? {} : stdio;
  return {
    monitor: {
      parent: 'monitor',
      receiveDescriptor: stdio === 'terminal',
      ...(foreground ? { foreground: true } : {}),
      inherit: child ? [child.stdin, child.stdout, child.stderr].map(Number) : [],
      hold: [streams.stdout, streams.stderr].filter((fd) => fd !== undefined),
    },
    meet: (socket) => new Rendezvous(socket),
    abandon: ({ monitor, meeting }) => abandon(monitor, meeting),
    keepTerminal: ({ monitor }, master) => sendDescriptor(monitor.control, master),
  };
}

/** Waits for execve, and judges. */
async function finish(plan: LaunchPlan, launched: Launched, terminal: number | undefined, note: () => void): Promise<ContainerProcess> {
  const { monitor, meeting } = launched;
  await meeting.ended();
  note();
  if (monitor.failure() ?? monitor.verdict()) throw failed(monitor);
  const returned = monitor.execResults();
  if (returned.length === plan.exec.calls.length) {
    const failure = execFailure((plan.exec.calls[0]!.args[1] as readonly string[])[0] ?? '', returned);
    // What stays in the foreground is a command of this machine's, and has no image.
    throw new StartError(
      failure.code,
      failure.code === 127 && !plan.foreground ? `${failure.message}; look into the image with: hako run IMAGE ls` : failure.message,
    );
  }
  const pid = monitor.processId();
  if (pid === undefined) throw failed(monitor);
  // What succeeded has not returned: the table that would say so went with the memory of the process.
  if (plan.watch?.clock) launched.ran = [...launched.ran, { step: plan.exec, call: plan.exec.calls[returned.length]!, lane: 'process', returned: 0 }];
  monitor.forgetProcess();
  // A program may have ended by now; the monitor has its status, and nobody needs the process itself.
  const process: ProcessIdentity = processOf(monitor) ?? { pid, startTime: '' };
  const pidfd = process.startTime ? openProcess(process) : undefined;
  const streams: Streams = terminal === undefined ? (plan.stdio as StdioEnds).streams : { terminal };
  const record = {
    process,
    monitor: identify(monitor.pid) ?? { pid: monitor.pid, startTime: '' },
    control: monitor.control,
    statusOffset: monitor.statusOffset,
    held: { ...(streams.stdout === undefined ? {} : { stdout: streams.stdout }), ...(streams.stderr === undefined ? {} : { stderr: streams.stderr }) },
    ...(terminal === undefined ? {} : { terminalOffset: monitor.receivedOffset }),
  };
  return new ContainerProcess(record, streams, pidfd ?? -1, monitor.tableFd, monitor.control);
}
