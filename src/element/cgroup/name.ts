/**
 * The cgroups that `hako cgroup` works on: what a name stands for, and which ones are the machine's and so never changed.
 * A name is a path below the root of every hierarchy, as in /proc/PID/cgroup: `demo` and `/demo` are the same. See cgroups(7).
 */
import { checkPath, findCgroup, type Cgroup } from '../../runtime/cgroup/cgroup.ts';
import type { CgroupLayout } from '../../runtime/cgroup/layout.ts';
import { ElementError } from '../interpret.ts';
import { cgroupsOf } from './machine.ts';

/** The path that a name stands for: `demo` is `/demo`. @throws CgroupError for what is no path, and for the root */
export function cgroupPath(name: string): string {
  const path = `/${name.replace(/^\/+|\/+$/g, '')}`;
  if (path === '/') throw new ElementError(`"${name}" is the root, in which the machine's own processes are: name a cgroup below it, such as demo`);
  checkPath(path);
  return path;
}

/** The cgroup of a name, with the hierarchies it has a directory in. @throws ElementError when there is none */
export function existing(layout: CgroupLayout, name: string): Cgroup {
  const path = cgroupPath(name);
  const cgroup = findCgroup(layout, path);
  if (!cgroup) throw new ElementError(`there is no cgroup ${path} in any hierarchy: make it with: hako cgroup make ${path.slice(1)}`);
  return cgroup;
}

/** Whether there is a cgroup of that name. */
export function has(layout: CgroupLayout, name: string): boolean {
  return findCgroup(layout, cgroupPath(name)) !== undefined;
}

/** As {@link existing}, for what changes it. @throws ElementError when it is the machine's */
export function changeable(layout: CgroupLayout, name: string): Cgroup {
  refuseOthers(layout, cgroupPath(name));
  return existing(layout, name);
}

/** Units of a service manager, and the parents that other engines keep: theirs to change, since they would change them back. */
const managed = /^\/([^/]+\.(slice|service|scope)|docker|libpod_parent|kubepods|machine|lxc(\.[^/]*)?)(\/|$)/;

/**
 * Refuses a cgroup that is the machine's: one that process 1 or this process is in, or that a service manager or another engine keeps.
 * What this process's user was given by the service manager (delegation) is the user's.
 * @throws ElementError
 */
export function refuseOthers(layout: CgroupLayout, path: string): void {
  const delegated = layout.delegated && layout.unified && layout.delegated.directory.slice(layout.unified.mountPoint.length);
  if (delegated && path.startsWith(`${delegated}/`)) return;
  if (managed.test(path))
    throw new ElementError(`${path} is kept by the service manager or another engine, which would undo changes: use a cgroup of your own`);
  for (const [pid, whose] of [
    [1, 'process 1'],
    ['self', 'this very process'],
  ] as const) {
    const inside = [...(cgroupsOf(pid)?.values() ?? [])].find((own) => own === path || own.startsWith(`${path}/`));
    if (inside !== undefined) throw new ElementError(`${path} is the machine's own: ${whose} is in ${inside}; use a cgroup of your own`);
  }
}
