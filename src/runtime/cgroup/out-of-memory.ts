/** Why a process has gone that was on its way to its program: no call of its own has failed when the kernel ended it for want of memory. */
import type { Resources } from '../spec.ts';
import type { CgroupPlace } from './cgroup.ts';
import { oomKills } from './stats.ts';

/**
 * To be called before the process is made.
 * @returns tells, once it has gone, that it was for want of memory, and which limit was too small; undefined where it was not
 */
export function outOfMemoryWatch(cgroup: CgroupPlace, { memory }: Resources = {}): (() => string | undefined) | undefined {
  const limit = memory?.limit;
  if (limit === undefined || limit < 0) return undefined;
  const before = oomKills(cgroup);
  return () =>
    oomKills(cgroup) > before ? `the process was OOM-killed before its program began: the memory limit of ${limit} bytes is too low to start in` : undefined;
}
