/** Processes by id and start time, so that a recycled id is never taken for the process that had it. See proc_pid_stat(5), pidfd_open(2). */
import { readFileSync } from 'node:fs';
import { call } from './call.ts';
import { performNow } from './perform.ts';

/** What identifies a process for good: ids are recycled, start times are not turned back. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks after boot. */
  readonly startTime: string;
}

/** Fields of /proc/PID/stat. */
export interface ProcessStat {
  readonly state: string;
  readonly parent: number;
  readonly startTime: string;
}

/** Reads /proc/PID/stat; undefined when there is no such process. */
export function processStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name, in parentheses, may contain anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), startTime: fields[19] ?? '' };
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

/** Takes a copy of another process's descriptor; a negative errno on failure. See pidfd_getfd(2). */
export function takeDescriptor(pidfd: number, fd: number): number {
  return performNow(call('pidfd_getfd', [pidfd, fd, 0]));
}
