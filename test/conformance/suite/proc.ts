/** What the kernel says of a process from outside: /proc/PID. */
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A line of /proc/PID/status: `procStatus(pid, 'Uid')` is `0 0 0 0`. */
export function procStatus(pid: number, field: string): string | undefined {
  return new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.replaceAll('\t', ' ');
}

/** Fields of /proc/PID/stat by their numbers in proc(5), from 3 (state) on. */
export function procStat(pid: number, field: number): string {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[field - 3]!;
}

/** The namespace of a process: `pid:[4026531836]`. */
export function namespaceOf(pid: number | 'self', type: string): string {
  return readlinkSync(`/proc/${pid}/ns/${type}`);
}

/** Whether a process has ended; a zombie has, and so has one whose id is another's now. */
export function hasEnded(pid: number, startTime: string): boolean {
  try {
    return 'ZX'.includes(procStat(pid, 3)) || procStat(pid, 22) !== startTime;
  } catch {
    return true;
  }
}

/** Waits for something that only looking tells, such as the end of a process that is not our child. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, seconds = 30): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await delay(5)) {
    if (await holds()) return;
  }
  throw new Error(`after ${seconds} s, still not: ${what}`);
}

/** A mount of a mount table. */
export interface Mount {
  readonly id: string;
  readonly target: string;
  /** What of the file system is seen: `/` or a path in it. */
  readonly root: string;
  readonly options: readonly string[];
  /** `shared:N`, `master:N`, `unbindable`; nothing for a private mount. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

/** Reads mountinfo, see proc(5). */
export function parseMounts(text: string): Mount[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [left, right] = line.split(' - ') as [string, string];
      const [id, , , root, target, options, ...propagation] = left.split(' ');
      const [type, source, superOptions] = right.split(' ');
      return {
        id: id!,
        target: target!,
        root: root!,
        options: options!.split(','),
        propagation: propagation.map((field) => field.replace(/:\d+$/, '')),
        type: type!,
        source: source!,
        superOptions: superOptions!.split(','),
      };
    });
}

/** The topmost mount at a place of a mount table. */
export function mountAt(mounts: readonly Mount[], target: string): Mount {
  const found = mounts.findLast((mount) => mount.target === target);
  if (!found) throw new Error(`nothing is mounted on ${target}; there are mounts on ${mounts.map((mount) => mount.target).join(' ')}`);
  return found;
}
