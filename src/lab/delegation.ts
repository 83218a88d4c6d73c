/**
 * The lab's cgroups are its root's: directory and the files by which processes are moved and controllers handed down, as
 * cgroups(7) "Delegation" has it. The limits of the lab itself stay the machine's, so a learner cannot lift them.
 */
import { chownSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findHierarchies, type Hierarchy } from '../runtime/cgroup/layout.ts';
import { cgroupName, type LabHierarchy } from './place.ts';
import { mayMake } from '../oci/cgroup-path.ts';

const handedOver = ['', 'cgroup.procs', 'tasks', 'cgroup.threads', 'cgroup.subtree_control', 'cgroup.clone_children', 'notify_on_release'];

/** The hierarchies in which this user can give a lab a cgroup, and where that is. */
export function hierarchiesOf(name: string): LabHierarchy[] {
  const path = cgroupName(name);
  return findHierarchies()
    .filter((hierarchy) => mayMake(hierarchy, path))
    .map((hierarchy) => ({ version: hierarchy.version, controllers: controllersOf(hierarchy), path: join(hierarchy.mountPoint, path) }));
}

/** Version 1's `blkio` is version 2's `io`, and is called so. */
const controllersOf = ({ controllers, name }: Hierarchy): string[] =>
  name === undefined ? controllers.map((c) => (c === 'blkio' ? 'io' : c)) : [`name=${name}`];

/** Hands the lab's cgroups over. @param user who root of the lab is on the machine */
export function delegate(hierarchies: readonly LabHierarchy[], user: number, group: number): void {
  for (const { path, version, controllers } of hierarchies) {
    for (const file of handedOver) if (existsSync(join(path, file)) && process.geteuid!() === 0) chownSync(join(path, file), user, group);
    // A cpuset without processors takes no process; a new one is to have those of the one above it.
    if (version === 1 && controllers.includes('cpuset')) writeFileSync(join(path, 'cgroup.clone_children'), '1');
  }
}
