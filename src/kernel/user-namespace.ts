/** The user namespace that this process is in. See user_namespaces(7). */
import { readFileSync } from 'node:fs';

let first: boolean | undefined;

/** Whether it is the machine's first: that, and no other, maps all ids to themselves. */
export const inFirstUserNamespace = (): boolean =>
  (first ??= readFileSync('/proc/self/uid_map', 'utf8').trim().split(' ').filter(Boolean).join(' ') === '0 0 4294967295');

/** Whether nobody may set groups in the user namespace of a process, ours unless one is given: it was made without the right to. */
export function groupsDenied(pid: number | 'self' = 'self'): boolean {
  return readFileSync(`/proc/${pid}/setgroups`, 'utf8').trim() === 'deny';
}

const maps = new Map<'uid' | 'gid', readonly (readonly number[])[]>();

/** Whether an id means somebody in this process's user namespace. */
export function isMapped(kind: 'uid' | 'gid', id: number): boolean {
  let lines = maps.get(kind);
  if (!lines) {
    lines = readFileSync(`/proc/self/${kind}_map`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number));
    maps.set(kind, lines);
  }
  return lines.some(([first = 0, , count = 0]) => id >= first && id < first + count);
}
