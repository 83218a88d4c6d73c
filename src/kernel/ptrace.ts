/**
 * Tracing of other processes: what a program asks of the kernel, and what it is answered, as facts. A trace belongs to one
 * thread, and its waits block: only a process that does nothing else uses this (src/engine/tracer/). See ptrace(2).
 */
import { decodeProgram, type Instruction } from './bpf/classic.ts';
import { call } from './call.ts';
import { errno } from './errno.ts';
import { waitFlags } from './flags.ts';
import { performNow } from './perform.ts';

/** include/uapi/linux/ptrace.h */
const requests = {
  PTRACE_SYSCALL: 24,
  PTRACE_DETACH: 17,
  PTRACE_GETEVENTMSG: 0x4201,
  PTRACE_GETSIGINFO: 0x4202,
  PTRACE_SEIZE: 0x4206,
  PTRACE_INTERRUPT: 0x4207,
  PTRACE_LISTEN: 0x4208,
  PTRACE_SECCOMP_GET_FILTER: 0x420c,
  PTRACE_GET_SYSCALL_INFO: 0x420e,
} as const;

/** Options of {@link seize}: stops at system calls are told from signals, and new processes and threads are traced too. */
export const traceOptions = {
  PTRACE_O_TRACESYSGOOD: 1,
  PTRACE_O_TRACEFORK: 2,
  PTRACE_O_TRACEVFORK: 4,
  PTRACE_O_TRACECLONE: 8,
  PTRACE_O_TRACEEXEC: 16,
} as const;

/** Why a process has stopped: the number above the signal in the status of wait4. */
export const traceEvents = {
  PTRACE_EVENT_CLONE: 3,
  PTRACE_EVENT_EXEC: 4,
  PTRACE_EVENT_STOP: 128,
} as const;

const ptrace = (request: keyof typeof requests, pid: number, address: number | null = null, data: number | Uint8Array | null = null): number =>
  performNow(call('ptrace', [requests[request], pid, address, data]));

export const PTRACE_SEIZE: number = requests.PTRACE_SEIZE;

/** Begins to trace a thread without stopping it. @returns 0 or a negative errno */
export const seize = (pid: number, options = 0): number => ptrace('PTRACE_SEIZE', pid, null, options);

/** Has a seized thread stop, with {@link traceEvents}.PTRACE_EVENT_STOP. */
export const interrupt = (pid: number): number => ptrace('PTRACE_INTERRUPT', pid);

/** Lets a stopped thread go on to the beginning or end of its next system call. @param signal delivered to it; 0 for none */
export const goOnToSyscall = (pid: number, signal = 0): number => ptrace('PTRACE_SYSCALL', pid, null, signal);

/** Leaves a group-stopped thread stopped, as its user wanted, until SIGCONT. */
export const listen = (pid: number): number => ptrace('PTRACE_LISTEN', pid);

/** Ends the trace of a stopped thread, which goes on. @param signal delivered to it; 0 for none */
export const detach = (pid: number, signal = 0): number => ptrace('PTRACE_DETACH', pid, null, signal);

/** How a thread has stopped or ended, as wait4 tells. */
export type WaitStatus =
  | { readonly kind: 'exited'; readonly pid: number; readonly code: number }
  | { readonly kind: 'killed'; readonly pid: number; readonly signal: number }
  | { readonly kind: 'stopped'; readonly pid: number; readonly signal: number; readonly event: number };

/** Milliseconds between two looks where a wait is to end by itself: wait4 has no timeout. */
const betweenLooks = 5;

/**
 * Waits until a traced thread stops or ends.
 * @param pid a thread, or -1 for any
 * @param until by performance.now(): no longer than that
 * @returns undefined when there is none (any more), or none has until then
 */
export function waitForStop(pid: number, until?: number): WaitStatus | undefined {
  const bytes = new Uint8Array(4);
  const flags = waitFlags.__WALL | (until === undefined ? 0 : waitFlags.WNOHANG);
  let value: number;
  for (;;) {
    value = performNow(call('wait4', [pid, bytes, flags, null]));
    if (value === 0 && performance.now() < until!) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, betweenLooks);
    else if (value !== -errno.EINTR) break;
  }
  if (value <= 0) return undefined;
  const status = new DataView(bytes.buffer).getInt32(0, true);
  if ((status & 0xff) === 0x7f) return { kind: 'stopped', pid: value, signal: (status >> 8) & 0xff, event: status >> 16 };
  if ((status & 0x7f) === 0) return { kind: 'exited', pid: value, code: (status >> 8) & 0xff };
  return { kind: 'killed', pid: value, signal: status & 0x7f };
}

/** The system call at which a thread stands. */
export type SyscallInfo =
  | { readonly kind: 'entry'; readonly arch: number; readonly instruction: bigint; readonly number: number; readonly args: readonly bigint[] }
  | { readonly kind: 'exit'; readonly arch: number; readonly value: number; readonly failed: boolean }
  | { readonly kind: 'none' };

/** A signal that is about to be delivered, and where it is from: `code` is si_code. */
export interface SignalInfo {
  readonly signal: number;
  readonly code: number;
}

/** Reads siginfo_t of a thread that stands before a signal; undefined when it does not. */
export function signalInfo(pid: number): SignalInfo | undefined {
  const bytes = new Uint8Array(128);
  if (ptrace('PTRACE_GETSIGINFO', pid, null, bytes) < 0) return undefined;
  const view = new DataView(bytes.buffer);
  return { signal: view.getInt32(0, true), code: view.getInt32(8, true) };
}

const infoSize = 88;

/** Reads struct ptrace_syscall_info of a stopped thread. */
export function syscallInfo(pid: number): SyscallInfo {
  const bytes = new Uint8Array(infoSize);
  const size = ptrace('PTRACE_GET_SYSCALL_INFO', pid, infoSize, bytes);
  const view = new DataView(bytes.buffer);
  const operation = size > 0 ? bytes[0] : 0;
  const arch = view.getUint32(4, true);
  const [ENTRY, EXIT] = [1, 2];
  if (operation === ENTRY) {
    const args = Array.from({ length: 6 }, (_, i) => view.getBigUint64(32 + 8 * i, true));
    // The number as seccomp sees it: 32 bits.
    return { kind: 'entry', arch, instruction: view.getBigUint64(8, true), number: view.getUint32(24, true), args };
  }
  if (operation === EXIT) return { kind: 'exit', arch, value: Number(view.getBigInt64(24, true)), failed: bytes[32] === 1 };
  return { kind: 'none' };
}

/** What an event is about: the id of the new thread; at an execve the id that the thread had. */
export function eventMessage(pid: number): number {
  const bytes = new Uint8Array(8);
  ptrace('PTRACE_GETEVENTMSG', pid, null, bytes);
  return Number(new DataView(bytes.buffer).getBigUint64(0, true));
}

/**
 * The seccomp filters that a stopped thread obeys, as the kernel has them.
 * @returns the programs, the newest first; or the negative errno with which the kernel refused (it needs CAP_SYS_ADMIN, a caller
 * without a filter of its own, and CONFIG_CHECKPOINT_RESTORE)
 */
export function seccompFilters(pid: number): Instruction[][] | number {
  const ENOENT = 2;
  const programs: Instruction[][] = [];
  for (let index = 0; ; index++) {
    const length = ptrace('PTRACE_SECCOMP_GET_FILTER', pid, index, null);
    if (length === -ENOENT) return programs;
    // The thread has no filter at all.
    if (length === -22 && index === 0) return programs;
    if (length < 0) return length;
    const bytes = new Uint8Array(length * 8);
    const read = ptrace('PTRACE_SECCOMP_GET_FILTER', pid, index, bytes);
    if (read < 0) return read;
    programs.push(decodeProgram(bytes));
  }
}
