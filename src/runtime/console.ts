/**
 * A container's terminal. The pair comes from the container's own devpts, so that programs inside find it by name
 * (ttyname(3)). The new process opens it right after its root is in place, when nothing of the image has run yet in a
 * new container; the engine takes the master by pidfd_getfd(2) and checks what it is before anything is let go on
 * (CVE-2025-52565): in `exec` the image may have put something else there. See pty(7), ioctl_tty(2).
 */
import { call, result, type Call } from '../kernel/call.ts';
import { AT_FDCWD, ioctlRequests, openFlags, openTreeFlags } from '../kernel/flags.ts';
import { performNow } from '../kernel/perform.ts';
import type { Step } from '../step/step.ts';
import type { ProcessSpec } from './spec.ts';
import { attach, openInRoot } from './rootfs/mount-steps.ts';
import { openToMakerStep, privateStep } from './program-steps.ts';
import { waitForEngine } from './rendezvous-steps.ts';

/** The steps, and the calls whose results the engine wants. */
export interface ConsoleSteps {
  readonly steps: Step<unknown>[];
  /** Its result is the master's descriptor in the new process. */
  readonly master: Call;
}

/** Has the process opened to its maker for as long as the terminal is taken from it. */
export function openedForTerminal({ steps: [open, wait, ...others] }: Pick<ConsoleSteps, 'steps'>): Step<unknown>[] {
  return [open!, openToMakerStep(), wait!, privateStep(), ...others];
}

const { O_RDWR, O_NOCTTY, O_CLOEXEC } = openFlags;

/**
 * Opens a terminal and makes it the controlling one.
 * @param bindConsole also put it at /dev/console: for a container's first process, in a /dev of our making
 * @param process whose terminal it is; it has its size from the beginning, since the program may ask for it at once
 */
export function consoleSteps(sync: number, bindConsole: boolean, process: Pick<ProcessSpec, 'user' | 'consoleSize'>): ConsoleSteps {
  const { user: owner, consoleSize } = process;
  const master = call('openat', [AT_FDCWD, '/dev/pts/ptmx', O_RDWR | O_NOCTTY | O_CLOEXEC, 0], { label: 'master' });
  const unlock = call('ioctl', [result(master), ioctlRequests.TIOCSPTLCK, new Uint8Array(8)]);
  const slave = call('ioctl', [result(master), ioctlRequests.TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC], { label: 'terminal' });
  const place = openInRoot(AT_FDCWD, 'dev/console');
  // By its descriptor: under its name could be something else (CVE-2025-52565).
  const tree = call('open_tree', [result(slave), '', openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC | openTreeFlags.AT_EMPTY_PATH], {
    label: 'tree',
  });
  const stdio = [0, 1, 2].map((fd) => call('dup3', [result(slave), fd, 0]));
  return {
    master,
    steps: [
      {
        id: 'console.open',
        what: 'Open a terminal',
        calls: [
          master,
          unlock,
          slave,
          ...stdio,
          ...(consoleSize ? [call('ioctl', [result(slave), ioctlRequests.TIOCSWINSZ, windowSize(consoleSize.height, consoleSize.width)])] : []),
          ...(bindConsole
            ? [call('mknodat', [AT_FDCWD, '/dev/console', 0o100600, 0], { accept: [17] }), tree, place, attach(result(tree), result(place))]
            : []),
          ...(owner.uid ? [call('fchown', [result(slave), owner.uid, -1])] : []),
        ],
        shell: '# No program of util-linux opens a terminal of another /dev/pts: the process gets what the script has.\nexec <&3 >&4 2>&5',
        look: 'ls -l /proc/$PID/fd /dev/pts',
      },
      waitForEngine(sync, 'Wait for the engine to take the other end of the terminal'),
      {
        id: 'console.control',
        what: 'Make it the controlling terminal',
        calls: [call('ioctl', [0, ioctlRequests.TIOCSCTTY, 0])],
        shell: '# It is that of the session in which the script runs.',
        look: 'ps -o pid,tty,stat -p $PID',
      },
    ],
  };
}

/** The size of a terminal, in characters. See ioctl_tty(2), TIOCSWINSZ. */
export function resizeTerminal(master: number, height: number, width: number): number {
  return performNow(call('ioctl', [master, ioctlRequests.TIOCSWINSZ, windowSize(height, width)]));
}

/** A struct winsize. */
function windowSize(height: number, width: number): Uint8Array {
  const size = new Uint8Array(8);
  const view = new DataView(size.buffer);
  view.setUint16(0, height, true);
  view.setUint16(2, width, true);
  return size;
}

const DEVPTS_SUPER_MAGIC = 0x1cd1n;
/** Whether a descriptor is the master of a terminal: on a devpts, and answering for one. */
export function isTerminalMaster(fd: number): boolean {
  const statfs = new Uint8Array(120);
  if (performNow(call('fstatfs', [fd, statfs])) < 0) return false;
  if (new DataView(statfs.buffer).getBigInt64(0, true) !== DEVPTS_SUPER_MAGIC) return false;
  return performNow(call('ioctl', [fd, ioctlRequests.TIOCGPTN, new Uint8Array(8)])) === 0;
}
