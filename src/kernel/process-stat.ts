/**
 * Which process an id means, from /proc/PID/stat: ids are recycled, a start time is not. Apart from process.ts so that who only
 * looks need not load the C library's door. See proc_pid_stat(5).
 */
import { readFileSync } from 'node:fs';

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

/** Whether it is this process and has not ended: one that waits to be collected (a zombie) has. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = processStat(identity.pid);
  return stat !== undefined && stat.startTime === identity.startTime && stat.state !== 'Z' && stat.state !== 'X';
}
