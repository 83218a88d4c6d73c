/**
 * The monitor: a static ELF of some hundred bytes, the parent of a container's first process. It walks a syscall
 * table that it maps from a descriptor: clones the process (which walks its own section up to execve), holds the
 * ends of its pipes so that they outlive the engine, waits for it, leaves its exit status in the table, tells the
 * engine, and ends when the engine says so. A restarted engine takes the descriptors back with pidfd_getfd(2).
 * The new process never has the engine's memory or its executable in reach (CVE-2019-5736): it is a copy of this.
 */
import { closeSync, readSync } from 'node:fs';
import { call, Stored, Struct, type Call } from '../kernel/call.ts';
import {
  AT_FDCWD,
  addressFamilies,
  atFlags,
  cloneFlags,
  fcntlCommands,
  memfdFlags,
  mountAttrs,
  openFlags,
  prctlOptions,
  signals,
  socketTypes,
  waitFlags,
  waitTypes,
} from '../kernel/flags.ts';
import { must, performNow } from '../kernel/perform.ts';
import { cloneArgsLayout, unblockSignals, vforkTable } from '../kernel/launch/child.ts';
import { monitorProgram, sealedProgram, tableAddress, tableDescriptor, tableSize } from '../kernel/launch/program.ts';
import { compileTable, resultOf, rows, type Row, type Table } from '../kernel/launch/table.ts';
import { describeCall } from '../kernel/describe.ts';
import { errnoMessage, errnoName } from '../kernel/errno.ts';
import type { Step } from '../step/step.ts';
import { cloneTree, setAttributes } from './mount-steps.ts';

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
}

/** A monitor that has been started. */
export interface Monitor {
  readonly pid: number;
  readonly tableFd: number;
  /** Our end of the socket between engine and monitor: one byte comes when the process has ended. */
  readonly control: number;
  /** The process's id; undefined when it was not cloned. */
  processId(): number | undefined;
  /** The first call that failed, of the monitor or of the new process up to execve. */
  failure(): TableFailure | undefined;
  /** What each execve returned: all failed if the process ended before it began. */
  execResults(): readonly number[];
  /** The value that a call of the table returned. */
  valueOf(call: Call): number | undefined;
  /** Gives the memory of the process's part of the table back, once its program has begun. */
  forgetProcess(): void;
  /** How the process ended, once it has. */
  exitStatus(): ExitStatus | undefined;
  /** Where the status lies in the table's file, for an engine that is started later. */
  readonly statusOffset: number;
  /** Where the number lies under which the monitor received a descriptor. */
  readonly receivedOffset: number;
}

/** A row that failed. */
export interface TableFailure {
  readonly step: Step<unknown> | undefined;
  readonly call: Call;
  readonly errno: number;
}

/** How a process ended: by exit with a code, or by a signal. */
export interface ExitStatus {
  /** As a shell counts: 128 + the signal's number when a signal ended it. */
  readonly code: number;
  readonly signal?: number;
}

const clonedPidBytes = 8;
/** Room for the monitor's own part of the table, in bytes; what is not used of it takes no memory. */
const monitorRoom = 1 << 14;
const statusBytes = 128; // siginfo_t
const CLONE_PARENT_SETTID = 0x100000;

let programFd: number | undefined;

function program(): number {
  programFd ??= sealedProgram('hako-monitor', monitorProgram());
  return programFd;
}

let nullFd: number | undefined;
/**
 * The host's null device, open: descriptors 0 to 2 of a monitor, and a container's standard input where nobody gives it one.
 * Opened through a read-only mount of its own, since a container's root could else change its owner and mode by /proc/self/fd/0.
 */
export function nullDevice(): number {
  if (nullFd !== undefined) return nullFd;
  const tree = must(cloneTree('/dev/null', false));
  must(setAttributes(tree, { set: mountAttrs.MOUNT_ATTR_RDONLY }));
  nullFd = must(call('openat', [AT_FDCWD, `/proc/self/fd/${tree}`, openFlags.O_RDWR | openFlags.O_CLOEXEC, 0]));
  closeSync(tree);
  return nullFd;
}

/** A connected pair of stream sockets, close-on-exec. */
export function socketPair(): [number, number] {
  const pair = new Int32Array(2);
  must(call('socketpair', [addressFamilies.AF_UNIX, socketTypes.SOCK_STREAM | socketTypes.SOCK_CLOEXEC, 0, new Uint8Array(pair.buffer)]));
  return [pair[0]!, pair[1]!];
}

/** The argument of clone3, as it prints; the pointers in it are set when the table is compiled. */
export function cloneArgs(flags: number, cgroupFd?: number | string): Struct {
  const names = Object.entries(cloneFlags)
    .filter(([, bit]) => Math.floor(flags / bit) % 2 === 1)
    .map(([name]) => name);
  const cgroup = cgroupFd === undefined ? '' : `, cgroup=${cgroupFd}`;
  return new Struct(`{flags=${names.join('|') || '0'}, exit_signal=SIGCHLD${cgroup}}`, new Uint8Array(cloneArgsLayout.size));
}

/** Starts a monitor, which starts the process. Returns at once; the rendezvous socket tells how far the process has come. */
export function startMonitor(plan: MonitorPlan): Monitor {
  const [control, controlPeer] = socketPair();
  const pidBytes = new Uint8Array(clonedPidBytes);
  const status = new Uint8Array(statusBytes);
  const args = cloneArgsFor(plan, pidBytes);

  const init: Row[] = [...plan.init.flatMap((s) => rows(s.calls)), ...plan.exec.calls.map((c): Row => ({ call: c })), { call: call('exit_group', [125]) }];
  const clone: Row = { call: call('clone3', [args, cloneArgsLayout.size]), onZero: init[0]! };
  const held = new Set([...plan.hold, control, controlPeer]);
  const inherited = [...new Set([...plan.inherit, ...plan.hold, ...(plan.cgroupFd === undefined ? [] : [plan.cgroupFd]), plan.sync, control, controlPeer])];
  const received = messageBuffer();
  const ancillary = received.pointers[1]![1] as Uint8Array;
  const monitor: Row[] = [
    ...rows([call('prctl', [prctlOptions.PR_SET_NAME, 'hako-monitor', 0, 0, 0]), call('setsid', []), call('chdir', ['/'])]),
    ...plan.before.flatMap((s) => rows(s.calls)),
    clone,
    // The rendezvous first: while it is open here, the engine does not see that the process has ended before its terminal was open.
    ...rows(inherited.filter((fd) => !held.has(fd)).map((fd) => call('close', [fd]))),
    ...(plan.receiveDescriptor ? rows([call('recvmsg', [controlPeer, received, 0])]) : []),
    ...rows([
      // The process's part of the table is not the monitor's: its memory goes with the process.
      call('munmap', [tableAddress + monitorRoom, tableSize - monitorRoom]),
      // Not clone3's result: the child returns from it too, and writes its zero into the same row.
      call('waitid', [waitTypes.P_PID, new Stored(pidBytes, 'pid'), status, waitFlags.WEXITED | waitFlags.__WALL, null]),
      call('write', [controlPeer, 'x', 1]),
      call('read', [controlPeer, new Uint8Array(8), 1]),
      call('exit_group', [0]),
    ]),
  ];

  const table = compileTable([monitor, init], BigInt(tableAddress), monitorRoom);
  if (table.sections[1]!.start !== monitorRoom) throw new Error(`the monitor's part of the table takes more than ${monitorRoom} bytes`);
  const tableFd = must(call('memfd_create', ['hako-table', memfdFlags.MFD_CLOEXEC]));
  for (const { start, end } of table.sections) must(call('pwrite64', [tableFd, table.bytes.subarray(start, end), end - start, start]));
  const enter: Row[] = [
    ...rows([
      unblockSignals(),
      ...[0, 1, 2].map((fd) => call('dup3', [nullDevice(), fd, 0])),
      ...inherited.map((fd) => call('fcntl', [fd, fcntlCommands.F_SETFD, 0])),
    ]),
    ...rows([
      call('dup3', [tableFd, tableDescriptor, 0]),
      call('execveat', [program(), '', ['hako-monitor', plan.name, plan.owner], [], atFlags.AT_EMPTY_PATH]),
    ]),
    { call: call('exit_group', [125]) },
  ];
  if (inherited.includes(tableDescriptor)) throw new Error(`descriptor ${tableDescriptor} can't be handed to a monitor`);
  const { pid } = vforkTable(enter, 0);
  closeSync(controlPeer);
  return new StartedMonitor(pid, tableFd, control, table, { monitor, init, clone, plan, status, pidBytes, ancillary });
}

function cloneArgsFor(plan: MonitorPlan, pidBytes: Uint8Array): Struct {
  const bytes = new Uint8Array(cloneArgsLayout.size);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(cloneArgsLayout.flags, BigInt(plan.flags) | BigInt(CLONE_PARENT_SETTID), true);
  view.setBigUint64(cloneArgsLayout.exitSignal, BigInt(signals.SIGCHLD), true);
  if (plan.cgroupFd !== undefined) view.setBigUint64(cloneArgsLayout.cgroup, BigInt(plan.cgroupFd), true);
  return new Struct('clone_args', bytes, [[cloneArgsLayout.parentTid, pidBytes]]);
}

interface Sections {
  readonly monitor: readonly Row[];
  readonly init: readonly Row[];
  readonly clone: Row;
  readonly plan: MonitorPlan;
  readonly status: Uint8Array;
  readonly pidBytes: Uint8Array;
  readonly ancillary: Uint8Array;
}

class StartedMonitor implements Monitor {
  readonly pid: number;
  readonly tableFd: number;
  readonly control: number;
  readonly #table: Table;
  readonly #sections: Sections;

  constructor(pid: number, tableFd: number, control: number, table: Table, sections: Sections) {
    this.pid = pid;
    this.tableFd = tableFd;
    this.control = control;
    this.#table = table;
    this.#sections = sections;
  }

  #read(): Uint8Array {
    const bytes = new Uint8Array(this.#table.bytes.length);
    readSync(this.tableFd, bytes, 0, bytes.length, 0);
    return bytes;
  }

  processId(): number | undefined {
    const at = this.#table.offsetOfBytes(this.#sections.pidBytes);
    const bytes = new Uint8Array(4);
    readSync(this.tableFd, bytes, 0, 4, at);
    return new DataView(bytes.buffer).getInt32(0, true) || undefined;
  }

  failure(): TableFailure | undefined {
    const bytes = this.#read();
    const { plan, monitor, init, clone } = this.#sections;
    const find = (section: readonly Row[], steps: readonly Step<unknown>[]): TableFailure | undefined => {
      for (const row of section) {
        const value = resultOf(this.#table, row, bytes);
        if (value === undefined || value >= 0 || row.call.accept) continue;
        return { step: steps.find((s) => s.calls.includes(row.call)), call: row.call, errno: -value };
      }
      return undefined;
    };
    return find(monitor.slice(0, monitor.indexOf(clone) + 1), plan.before) ?? find(init, plan.init);
  }

  execResults(): readonly number[] {
    const bytes = this.#read();
    const { plan, init } = this.#sections;
    return plan.exec.calls.flatMap(
      (c) =>
        resultOf(
          this.#table,
          init.find((r) => r.call === c)!,
          bytes,
        ) ?? [],
    );
  }

  valueOf(wanted: Call): number | undefined {
    const { monitor, init } = this.#sections;
    const row = [...monitor, ...init].find((r) => r.call === wanted);
    return row && resultOf(this.#table, row, this.#read());
  }

  forgetProcess(): void {
    performNow(call('ftruncate', [this.tableFd, monitorRoom]));
  }

  exitStatus(): ExitStatus | undefined {
    const bytes = new Uint8Array(statusBytes);
    readSync(this.tableFd, bytes, 0, statusBytes, this.#table.offsetOfBytes(this.#sections.status));
    return decodeStatus(bytes);
  }

  get statusOffset(): number {
    return this.#table.offsetOfBytes(this.#sections.status);
  }

  get receivedOffset(): number {
    const numberInMessage = 16; // behind cmsghdr
    return this.#table.offsetOfBytes(this.#sections.ancillary) + numberInMessage;
  }
}

/** Reads a siginfo_t as waitid(2) fills it in; undefined while it is empty. */
export function decodeStatus(siginfo: Uint8Array): ExitStatus | undefined {
  const view = new DataView(siginfo.buffer, siginfo.byteOffset);
  if (view.getInt32(0, true) !== signals.SIGCHLD) return undefined;
  const CLD_EXITED = 1;
  const status = view.getInt32(24, true);
  return view.getInt32(8, true) === CLD_EXITED ? { code: status } : { code: 128 + status, signal: status };
}

/** A msghdr with room for one byte and one descriptor. */
function messageBuffer(): Struct {
  const data = new Uint8Array(8);
  const vector = new Struct('iov', new Uint8Array(16), [[0, data]]);
  new DataView(vector.bytes.buffer).setBigUint64(8, 1n, true);
  const ancillary = new Uint8Array(24);
  const header = new Struct('msghdr', new Uint8Array(56), [
    [16, vector],
    [32, ancillary],
  ]);
  const view = new DataView(header.bytes.buffer);
  view.setBigUint64(24, 1n, true);
  view.setBigUint64(40, BigInt(ancillary.length), true);
  return header;
}

/** Sends a descriptor over a unix socket (SCM_RIGHTS), with one byte. See unix(7). */
export function sendDescriptor(socket: number, fd: number): void {
  const header = messageBuffer();
  const ancillary = header.pointers[1]![1] as Uint8Array;
  const view = new DataView(ancillary.buffer);
  view.setBigUint64(0, 20n, true); // cmsg_len: header and one int
  view.setInt32(8, 1, true); // SOL_SOCKET
  view.setInt32(12, 1, true); // SCM_RIGHTS
  view.setInt32(16, fd, true);
  must(call('sendmsg', [socket, header, 0]));
}

/** The sentence for a row that failed. */
export function describeFailure(failure: TableFailure): string {
  const step = failure.step ? `${failure.step.what.slice(0, 1).toLowerCase()}${failure.step.what.slice(1)}: ` : '';
  const name = failure.step ? ` [step ${failure.step.id}]` : '';
  return `${step}${describeCall(failure.call)} failed: ${errnoMessage(failure.errno)} (${errnoName(failure.errno)})${name}`;
}

/** Collects a monitor that has ended, if it has. */
export function reapMonitor(pid: number): boolean {
  return performNow(call('wait4', [pid, null, waitFlags.WNOHANG | waitFlags.__WALL, null])) !== 0;
}
