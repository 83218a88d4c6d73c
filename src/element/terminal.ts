/**
 * The terminal of a program in another PID namespace. The process group that it would share with this process has no number there: a
 * shell asks for the terminal's foreground group, is told 0, and cannot put it back when it leaves. So the program gets a group of its
 * own, and that the terminal, as a shell does with its jobs; afterwards the terminal is taken back. See tcsetpgrp(3), setpgid(2).
 */
import { call, type Call, type Known } from '../kernel/call.ts';
import { ioctlRequests, signals } from '../kernel/flags.ts';
import { must, performNow } from '../kernel/perform.ts';
import { processStat } from '../kernel/process.ts';
import { step, type Procedure, type Step } from '../step/step.ts';

/** Milliseconds between two looks whether the program has been stopped: only its parent, which is its monitor, would be told. */
const betweenLooks = 200;

/** Whether this process is in the foreground of a terminal that it both reads from and writes to: with one of these elsewhere a neighbour in a pipeline may need it. */
export function hasTerminal(): boolean {
  const own = must(call('getpgid', [0]));
  return [0, 1].every((fd) => foregroundOf(fd) === own);
}

/** The step of the new process. */
export function groupStep(): Step {
  return {
    id: 'process.group',
    what: 'Begin a process group, for the terminal to be its own',
    calls: [call('setpgid', [0, 0])],
    shell: 'set -m',
    look: 'ps -o pid,pgid,tpgid -p $PID',
  };
}

/** Gives the terminal to a process group, and takes it back at the end. @param pid of its first process */
export function* lendTerminal(pid: Known): Procedure {
  const own = must(call('getpgid', [0]));
  yield* step({
    id: 'process.terminal',
    what: 'Give it the terminal, whose keys are for it from now on',
    calls: [give(pid)],
    finally: [give(own)],
    shell: 'fg',
    look: 'ps -o pid,pgid,tpgid,tty -p $PID',
  });
}

/**
 * Stops when the program is stopped (ctrl-Z), with the terminal back, and goes on with it: whoever started this process sees it as one job.
 * @returns ends the watching
 */
export function stopWith(pid: number): () => void {
  const startTime = processStat(pid)?.startTime;
  const state = (): string | undefined => {
    const now = processStat(pid);
    return now?.startTime === startTime ? now?.state : undefined;
  };
  const look = (): void => {
    if (state() !== 'T') return;
    const own = must(call('getpgid', [0]));
    giveNow(own);
    // As the key would have been for all of our group; the kernel stops none that nobody would continue.
    process.kill(0, 'SIGTSTP');
    // It may have been killed while we were stopped, and its number, which is its group's as long as it is there, be another's.
    if (state() === undefined) return;
    if (foregroundOf(0) === own) giveNow(pid);
    performNow(call('kill', [-pid, signals.SIGCONT]));
  };
  const timer = setInterval(look, betweenLooks);
  return () => clearInterval(timer);
}

/** The foreground process group of the terminal that a descriptor is; undefined where it is not the one that controls us. */
function foregroundOf(fd: number): number | undefined {
  const group = new Int32Array(1);
  return performNow(call('ioctl', [fd, ioctlRequests.TIOCGPGRP, new Uint8Array(group.buffer)])) < 0 ? undefined : group[0];
}

const give = (group: Known): Call => ({ ...setGroup(group), perform: () => giveNow(Number(group)) });

const setGroup = (group: Known): Call =>
  call('ioctl', [0, ioctlRequests.TIOCSPGRP, new Uint8Array(Int32Array.of(typeof group === 'number' ? group : 0).buffer)]);

/** Makes a group the terminal's. Who is not in its foreground group is stopped for that (SIGTTOU), unless it blocks the signal. */
function giveNow(group: number): number {
  const [SIG_BLOCK, SIG_SETMASK] = [0, 2];
  const terminalOutput = new Uint8Array(8);
  terminalOutput[(signals.SIGTTOU - 1) >> 3] = 1 << ((signals.SIGTTOU - 1) & 7);
  const before = new Uint8Array(8);
  must(call('rt_sigprocmask', [SIG_BLOCK, terminalOutput, before, 8]));
  const returned = performNow(setGroup(group));
  must(call('rt_sigprocmask', [SIG_SETMASK, before, null, 8]));
  return returned;
}
