/** The machine's cgroups, as the commands ask for them: its hierarchies, and where a process is in them. See cgroups(7). */
import { readFileSync } from 'node:fs';
import { findCgroup, type Cgroup } from '../../runtime/cgroup/cgroup.ts';
import { detectCgroups } from '../../runtime/cgroup/detect.ts';
import { parseOwnCgroups, type CgroupLayout } from '../../runtime/cgroup/layout.ts';

export { parseAmount } from '../../kernel/cgroupfs.ts';
export { blockDeviceNumbers } from '../../kernel/block-device.ts';
export type { Resources, Throttle } from '../../runtime/spec.ts';
export type { CgroupLayout };

let known: CgroupLayout | undefined;

/** The machine's hierarchies. @throws CgroupError when none is mounted */
export function machineCgroups(): CgroupLayout {
  // Device filters are no matter of these commands, and trying whether one can be loaded takes time.
  return (known ??= detectCgroups({ bpf: false }));
}

/** The cgroups that a process is in, by what its file in /proc names a hierarchy by: a controller, `name=…`, or nothing. Undefined when it is gone. */
export function cgroupsOf(pid: number | 'self'): ReadonlyMap<string, string> | undefined {
  try {
    return parseOwnCgroups(readFileSync(`/proc/${pid}/cgroup`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** All controllers of a machine, by the kernel's names. */
export const allControllers = (layout: CgroupLayout): string[] => layout.hierarchies.flatMap((h) => h.controllers);

/** The cgroup that a process is in, by the first hierarchy in which it is below the root; undefined where it is in none. */
export function cgroupOfProcess(layout: CgroupLayout, pid: number): Cgroup | undefined {
  const path = [...(cgroupsOf(pid)?.values() ?? [])].find((each) => each !== '/');
  return path === undefined ? undefined : findCgroup(layout, path);
}
