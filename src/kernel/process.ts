/** Processes by id and start time, so that a recycled id is never taken for the process that had it. See proc_pid_stat(5), pidfd_open(2). */
import { call } from './call.ts';
import { rawSyscallAsync } from './ffi.ts';
import { performNow } from './perform.ts';
import { processStat, type ProcessIdentity } from './process-stat.ts';

export { processStat, type ProcessIdentity, type ProcessStat } from './process-stat.ts';

/** A process's identity now. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = processStat(pid);
  return stat && { pid, startTime: stat.startTime };
}

/** Opens a pidfd of exactly this process; undefined when it is gone (or its id is another's by now). */
export function openProcess(identity: ProcessIdentity): number | undefined {
  const fd = performNow(call('pidfd_open', [identity.pid, 0]));
  if (fd < 0) return undefined;
  if (processStat(identity.pid)?.startTime === identity.startTime) return fd;
  performNow(call('close', [fd]));
  return undefined;
}

/** Sends a signal by pidfd; returns 0 or a negative errno (-ESRCH when it has ended). */
export function signalProcess(pidfd: number, signal: number): number {
  return performNow(call('pidfd_send_signal', [pidfd, signal, null, 0]));
}

/** Kills exactly this process, if it is still there. */
export function killProcess(identity: ProcessIdentity): void {
  const pidfd = openProcess(identity);
  if (pidfd === undefined) return;
  signalProcess(pidfd, 9);
  performNow(call('close', [pidfd]));
}

/** Takes a copy of another process's descriptor; a negative errno on failure. See pidfd_getfd(2). */
export function takeDescriptor(pidfd: number, fd: number): number {
  return performNow(call('pidfd_getfd', [pidfd, fd, 0]));
}

const POLLIN = 1;

/** Waits until a process has ended. @param timeout in milliseconds @returns whether it has */
export async function awaitEnd(pidfd: number, timeout: number): Promise<boolean> {
  const descriptors = new Int32Array([pidfd, POLLIN]); // struct pollfd: fd 4, events 2, revents 2
  const time = new BigInt64Array([BigInt(Math.floor(timeout / 1000)), BigInt((timeout % 1000) * 1_000_000)]);
  return (await rawSyscallAsync('ppoll', new Uint8Array(descriptors.buffer), 1, new Uint8Array(time.buffer), null, 8)) === 1;
}
