/** Who a process is in its user namespace, and who that is in the lab. See user_namespaces(7), "User and group ID mappings". */
import { readFileSync } from 'node:fs';
import { attempt } from '../../kernel/attempt.ts';
import type { LabProcess } from '../../lab/processes.ts';
import type { Look } from './look.ts';

/** A line of uid_map as the lab counts: `inside` here is `outside` there, for `count` ids. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** The machine's ids, as the machine counts, of the lab's: its own map is the last step to them. */
const machineRanges = (pid: number, kind: 'uid' | 'gid'): readonly IdRange[] =>
  (attempt(() => readFileSync(`/proc/${pid}/${kind}_map`, 'utf8')) ?? '')
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([inside = 0, outside = 0, count = 0]) => ({ inside, outside, count }));

/** An id of the machine's as the lab counts; undefined for one that the lab has not. */
export function labId(look: Look, machineId: number): number | undefined {
  const range = machineRanges(look.host.pid, 'uid').find(({ outside, count }) => machineId >= outside && machineId < outside + count);
  return range && machineId - range.outside + range.inside;
}

/** The map of a process's user namespace, as the lab counts; empty before it is written. */
export const mapOf = (look: Look, { pid }: LabProcess, kind: 'uid' | 'gid' = 'uid'): readonly IdRange[] =>
  machineRanges(pid, kind).flatMap(({ inside, outside, count }) => {
    const first = labId(look, outside);
    return first === undefined ? [] : [{ inside, outside: first, count }];
  });

/** Its effective user as the lab counts. */
export const userOf = (look: Look, { uids }: LabProcess): number | undefined => labId(look, uids[1] ?? -1);

/** Whether a process may set groups in its user namespace: `allow` or `deny`. */
export const setgroupsOf = ({ pid }: LabProcess): string | undefined => attempt(() => readFileSync(`/proc/${pid}/setgroups`, 'utf8').trim());
