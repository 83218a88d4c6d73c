/** A container's cgroup, found again by what was noted of it, for the commands after `create`. */
import { existsSync, readdirSync } from 'node:fs';
import { readText } from '../kernel/cgroupfs.ts';
import { perform } from '../kernel/perform.ts';
import { directoryIn, type CgroupPlace } from '../runtime/cgroup/cgroup.ts';
import { isFrozen } from '../runtime/cgroup/freeze.ts';
import { beneath, findHierarchies, parseOwnCgroups, titleOf, type Hierarchy } from '../runtime/cgroup/layout.ts';
import { removeCgroup } from '../runtime/cgroup/remove.ts';
import { removeGroup } from '../runtime/resctrl.ts';
import { apply, type Kernel } from '../step/apply.ts';
import type { Procedure } from '../step/step.ts';
import type { CgroupRecord } from './container-record.ts';
import { stopUnit } from './systemd/scope.ts';

/** The hierarchies that there are, with the root that the container's path is meant from. */
export function hierarchiesOf({ bases = {} }: CgroupRecord): Hierarchy[] {
  return findHierarchies().map((h) => {
    const base = bases[titleOf(h)];
    return base === undefined ? h : beneath(h, base);
  });
}

/**
 * The container's cgroup; without hierarchies where it has none of its own, or they are not mounted any more.
 * @param hierarchies as {@link hierarchiesOf} gives them
 */
export function placeOf(record: CgroupRecord, hierarchies: readonly Hierarchy[] = hierarchiesOf(record)): CgroupPlace {
  if (record.driver === 'disabled') return { path: '', hierarchies: [] };
  return { path: record.path, hierarchies: hierarchies.filter((h) => record.hierarchies.includes(titleOf(h))) };
}

/** Whether the container is paused. False, too, where its cgroup is gone, or nothing could pause it. */
export function isPaused(record: CgroupRecord): boolean {
  const place = placeOf(record);
  return place.hierarchies.some((h) => h.version === 2 || h.controllers.includes('freezer')) && isFrozen(place);
}

/**
 * Where one more process of the container can be: in its cgroup, or, where that has handed controllers down (the container has a
 * service manager of its own, say), with the first process, since version 2 has processes at the ends of the tree only.
 * @param first /proc/PID/cgroup of the container's first process
 */
export function placeToEnter(place: CgroupPlace, first: string): CgroupPlace {
  const [tree, ...others] = place.hierarchies;
  if (tree?.version !== 2 || others.length > 0 || !readText(`${directoryIn(tree, place.path)}/cgroup.subtree_control`)) return place;
  const path = parseOwnCgroups(first).get('');
  return path?.startsWith(`${place.path}/`) ? { ...place, path } : place;
}

/** Applies a procedure that only writes control files and removes directories: `applyToFiles(freeze(placeOf(record.cgroup)))`. */
export function applyToFiles<R>(procedure: Procedure<R>, kernel: Kernel = { call: perform }): Promise<R> {
  return apply(procedure, { kernel });
}

/**
 * Removes the cgroup of a container whose processes have ended, with those that it made below it. Directories that were there
 * before the container stay: they are somebody else's. What is gone already is no failure.
 */
export async function removeContainerCgroup(record: CgroupRecord, kernel?: Kernel): Promise<void> {
  const { path, hierarchies } = placeOf(record);
  if (record.unit !== undefined) await stopUnit(record.unit, record.rootless === true);
  const kept = hierarchies.filter((h) => record.kept?.includes(titleOf(h)));
  for (const hierarchy of kept)
    for (const below of cgroupsBelow(directoryIn(hierarchy, path)))
      await applyToFiles(removeCgroup({ path: `${path}/${below}`, hierarchies: [hierarchy] }), kernel);
  await applyToFiles(removeCgroup({ path, hierarchies: hierarchies.filter((h) => !kept.includes(h)) }), kernel);
  if (record.resctrl?.isOwn) await applyToFiles(removeGroup(record.resctrl.directory), kernel);
}

function cgroupsBelow(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
}
