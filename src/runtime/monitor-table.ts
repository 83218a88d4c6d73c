/**
 * The syscall table of a monitor (src/runtime/monitor.ts): a section of its own, from what it does before the clone to the end of the
 * process, and one that the process walks up to execve.
 */
import { call, Stored, Struct } from '../kernel/call.ts';
import { errno, KernelError } from '../kernel/errno.ts';
import { cloneFlags, prctlOptions, signals, waitFlags, waitTypes } from '../kernel/flags.ts';
import { cloneArgsLayout } from '../kernel/launch/child.ts';
import { tableAddress, tableSize } from '../kernel/launch/program.ts';
import { compileTable, rows, type RewriteTable, type Row, type Table } from '../kernel/launch/table.ts';
import { messageBuffer } from '../kernel/unix-socket.ts';
import type { Step } from '../step/step.ts';
import { clockRow, StepRows, type ClockRow, type ProcessWatch } from './step-rows.ts';

/** What the monitor is to do; descriptors are ours and keep their numbers in it. */
export interface MonitorPlan {
  /** Shown in the process list: who it is for. */
  readonly name: string;
  readonly owner: string;
  /** Flags for the process's clone3, namespaces and CLONE_INTO_CGROUP. */
  readonly flags: number;
  readonly cgroupFd?: number;
  /** Done by the monitor before it clones: time offsets, joining a PID namespace. */
  readonly before: readonly Step<unknown>[];
  /** Done by the new process, up to and without execve. */
  readonly init: readonly Step<unknown>[];
  /** The execve calls, tried in order. */
  readonly exec: Step<unknown>;
  /** What the new process or `before` needs. */
  readonly inherit: readonly number[];
  /** What the monitor holds on to while the process lives. */
  readonly hold: readonly number[];
  /** The new process's end of the engine's rendezvous socket: closes when execve succeeds. */
  readonly sync: number;
  /** The monitor waits for a descriptor (the terminal) from the engine, to hold it. */
  readonly receiveDescriptor: boolean;
  /** Somebody watches it take its steps. */
  readonly watch?: ProcessWatch;
  /** Nanoseconds by which the process's clock is ahead of the monitor's. */
  readonly clockAhead: bigint;
  /**
   * Whose child the process becomes: that of the monitor, which waits for it, or that of who starts the monitor, which then ends as soon
   * as it has cloned (CLONE_PARENT).
   */
  readonly parent: 'monitor' | 'caller';
  /** It stays in the caller's session, whose terminal's keys are for the process, not for it. */
  readonly foreground?: boolean;
  /** Tells that the process has gone for want of memory. */
  readonly outOfMemory?: (() => string | undefined) | undefined;
}

/** The compiled table, and what its rows are. */
export interface MonitorTable {
  readonly table: Table;
  /** Descriptors that the monitor is to have, by their numbers here. */
  readonly inherited: readonly number[];
  readonly monitor: readonly Row[];
  readonly init: readonly Row[];
  readonly clone: Row;
  /** Read by the monitor when it has cloned, where somebody watches. */
  readonly cloned: ClockRow | undefined;
  readonly beforeSteps: StepRows;
  readonly initSteps: StepRows;
  readonly status: Uint8Array;
  readonly pidBytes: Uint8Array;
  readonly ancillary: Uint8Array;
}

const clonedPidBytes = 8;
/** Room for the monitor's own part of the table, in bytes; what is not used of it takes no memory. */
export const monitorRoom = 1 << 14;
/** Of siginfo_t, which waitid(2) fills in. */
export const statusBytes = 128;
const CLONE_PARENT_SETTID = 0x100000;
const CLONE_PARENT = 0x8000;
const SIG_BLOCK = 0;
/** Once the process is there, its monitor goes on with what it can do: it must not leave it behind for want of memory. */
const noMemory = [errno.ENOMEM, errno.ENOBUFS];
/** What a terminal's keys send to everyone in the foreground: a signal set as the kernel takes it, bit n-1 for signal n. */
const keySignals = new Uint8Array(8);
for (const signal of [signals.SIGINT, signals.SIGQUIT, signals.SIGTSTP, signals.SIGHUP]) keySignals[(signal - 1) >> 3]! |= 1 << ((signal - 1) & 7);

/** The argument of clone3, as it prints; the pointers in it are set when the table is compiled. */
export function cloneArgs(flags: number, cgroupFd?: number | string): Struct {
  const names = (): string[] =>
    Object.entries(cloneFlags)
      .filter(([, bit]) => Math.floor(flags / bit) % 2 === 1)
      .map(([name]) => name);
  const cgroup = cgroupFd === undefined ? '' : `, cgroup=${cgroupFd}`;
  return new Struct(() => `{flags=${names().join('|') || '0'}, exit_signal=SIGCHLD${cgroup}}`, new Uint8Array(cloneArgsLayout.size));
}

/** The socket between the engine and a monitor that stays: the engine's end, which the monitor holds for a later one, and its own. */
export interface ControlSocket {
  readonly control: number;
  readonly controlPeer: number;
}

/** Why no process was made: a user namespace is the only one for everybody. See clone(2), EPERM. */
const whyRefused = (number: number, flags: number): string | undefined =>
  number === errno.EPERM && !(flags & cloneFlags.CLONE_NEWUSER)
    ? 'it takes CAP_SYS_ADMIN, which an ordinary user has in a new user namespace alone'
    : undefined;

/** Builds the table. @param socket absent for a monitor that does not stay */
export function monitorTable(plan: MonitorPlan, socket: ControlSocket | undefined, rewrite?: RewriteTable): MonitorTable {
  const pidBytes = new Uint8Array(clonedPidBytes);
  const status = new Uint8Array(statusBytes);
  const args = cloneArgsFor(plan, pidBytes);

  const failed: Row = { call: call('exit_group', [125]) };
  const initSteps = new StepRows(plan.init.concat(plan.exec), plan.sync, { after: failed, last: failed }, plan.watch);
  const init: Row[] = initSteps.rows.concat(failed);
  const clone: Row = { call: call('clone3', [args, cloneArgsLayout.size], { failureDetail: (number) => whyRefused(number, plan.flags) }), onZero: init[0]! };
  const cloned = plan.watch?.clock ? clockRow() : undefined;
  const done: Row = { call: call('exit_group', [0]) };
  const beforeSteps = new StepRows(plan.before, plan.sync, { after: clone, last: done }, plan.watch);
  // For a program in the foreground there is no later engine: without our end it ends when nobody is there to be told.
  const held = new Set([...plan.hold, ...(socket ? [...(plan.foreground ? [] : [socket.control]), socket.controlPeer] : [])]);
  const inherited = [...new Set([...plan.inherit, ...(plan.cgroupFd === undefined ? [] : [plan.cgroupFd]), plan.sync, ...held])];
  const received = messageBuffer();
  const ancillary = received.pointers[1]![1] as Uint8Array;
  const monitor: Row[] = [
    ...rows([
      call('prctl', [prctlOptions.PR_SET_NAME, 'hako-monitor', 0, 0, 0]),
      // A process of its own session keeps its working directory busy; one in the foreground hands it on.
      ...(plan.foreground ? [call('rt_sigprocmask', [SIG_BLOCK, keySignals, null, 8])] : [call('setsid', []), call('chdir', ['/'])]),
    ]),
    ...beforeSteps.rows,
    clone,
    ...(cloned ? [cloned.row] : []),
    ...(socket
      ? afterClone(
          plan,
          socket,
          inherited.filter((fd) => !held.has(fd)),
          { received, pidBytes, status },
        )
      : []),
    done,
  ];

  rewrite?.(monitor);
  rewrite?.(init);
  const table = compileTable([monitor, init], BigInt(tableAddress), monitorRoom);
  if (table.bytes.length > tableSize)
    throw new KernelError(
      `a table of ${table.bytes.length} bytes, of which ${tableSize} are possible, with arguments, environment and each place of PATH`,
      errno.E2BIG,
    );
  if (table.sections[1]!.start !== monitorRoom) throw new Error(`the monitor's part of the table takes more than ${monitorRoom} bytes`);
  return { table, inherited, monitor, init, clone, cloned, beforeSteps, initSteps, status, pidBytes, ancillary };
}

/** What a monitor does that stays with its process. */
function afterClone(
  plan: MonitorPlan,
  { controlPeer }: ControlSocket,
  others: readonly number[],
  { received, pidBytes, status }: { readonly received: Struct; readonly pidBytes: Uint8Array; readonly status: Uint8Array },
): Row[] {
  return [
    // The rendezvous first: while it is open here, the engine does not see that the process has ended before its terminal was open.
    ...rows(others.map((fd) => call('close', [fd]))),
    ...(plan.receiveDescriptor ? rows([call('recvmsg', [controlPeer, received, 0], { accept: noMemory })]) : []),
    ...rows([
      // The process's part of the table is not the monitor's: its memory goes with the process.
      call('munmap', [tableAddress + monitorRoom, tableSize - monitorRoom], { accept: noMemory }),
      // Not clone3's result: the child returns from it too, and writes its zero into the same row.
      call('waitid', [waitTypes.P_PID, new Stored(pidBytes, 'pid'), status, waitFlags.WEXITED | waitFlags.__WALL, null]),
      call('write', [controlPeer, 'x', 1]),
      call('read', [controlPeer, new Uint8Array(8), 1]),
    ]),
  ];
}

function cloneArgsFor(plan: MonitorPlan, pidBytes: Uint8Array): Struct {
  const bytes = new Uint8Array(cloneArgsLayout.size);
  const view = new DataView(bytes.buffer);
  const sibling = plan.parent === 'caller';
  view.setBigUint64(cloneArgsLayout.flags, BigInt(plan.flags) | BigInt(CLONE_PARENT_SETTID) | (sibling ? BigInt(CLONE_PARENT) : 0n), true);
  // A sibling has its parent told as the monitor has, until execve(2) makes it SIGCHLD.
  if (!sibling) view.setBigUint64(cloneArgsLayout.exitSignal, BigInt(signals.SIGCHLD), true);
  if (plan.cgroupFd !== undefined) view.setBigUint64(cloneArgsLayout.cgroup, BigInt(plan.cgroupFd), true);
  return new Struct(() => cloneArgs(plan.flags, plan.cgroupFd).text, bytes, [[cloneArgsLayout.parentTid, pidBytes]]);
}
