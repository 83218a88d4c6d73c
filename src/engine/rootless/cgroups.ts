/**
 * The cgroups of a user's engine: what is delegated to the user in the version 2 tree, as a service manager does for a user's services and
 * scopes; or none, where nothing is. Version 1 is not delegated: its controllers were not made for it. See cgroup-v2.rst, "Delegation".
 */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { directoryIn, findCgroup, prefixes, type Cgroup } from '../../runtime/cgroup/cgroup.ts';
import { createParents } from '../../runtime/cgroup/create.ts';
import { detectCgroups } from '../../runtime/cgroup/detect.ts';
import { offerControllers, withHandedDown } from '../../runtime/cgroup/enable.ts';
import { findHierarchies, layoutOf, type CgroupLayout, type Hierarchy } from '../../runtime/cgroup/layout.ts';
import { apply, type Kernel } from '../../step/apply.ts';
import type { Procedure } from '../../step/step.ts';
import type { Settings } from '../settings.ts';

/** Which cgroups an engine has, and below which one those of its containers are. */
export interface EngineCgroups {
  readonly layout: CgroupLayout;
  readonly parent: string;
  /** The cgroup of a container that runs, by its path; without hierarchies where it has none that this engine can use. */
  readonly find: (path: string) => Cgroup | undefined;
  /** The layout with the controllers that a container's cgroup can have now: others' processes may be in the way. */
  readonly available: () => Promise<CgroupLayout>;
  /** At the end of the engine, without containers: takes away what was made for the engine itself. */
  readonly leave: () => void;
}

const nothing = (): void => {};

/** Those of the machine, for its root. */
export function machineCgroups({ cgroup }: Settings): EngineCgroups {
  const layout = detectCgroups();
  return { layout, parent: cgroup, find: (path) => findCgroup(layout, path), available: async () => layout, leave: nothing };
}

/**
 * Those of a user.
 * @param processes the engine and those that serve it: no cgroup hands controllers down that has processes
 */
export function userCgroups({ cgroup }: Settings, processes: readonly number[], kernel: Kernel): EngineCgroups {
  const unified = findHierarchies().find(({ version }) => version === 2);
  const delegated = unified && layoutOf([unified], () => false).delegated;
  const find = (path: string): Cgroup =>
    unified && mayEnter(unified, path) ? withHandedDown(inV2(unified, path)) : { layout: withoutFilter([]), path, hierarchies: [] };
  if (!unified || !delegated) {
    const layout = withoutFilter([]);
    return { layout, parent: cgroup, find, available: async () => layout, leave: nothing };
  }
  const hierarchy = { ...unified, controllers: delegated.controllers };
  const own = unified.own === '/' ? '' : unified.own;
  const room = directoryIn(hierarchy, `${own}${cgroup}-engine`);
  if (delegated.controllers.length > 0) makeRoom(room, processes);
  const parent = `${own}${cgroup}`;
  const available = async (): Promise<CgroupLayout> => {
    await apply(offer(hierarchy, parent), { kernel });
    return withHandedDown(inV2(hierarchy, `${parent}/any`)).layout;
  };
  return { layout: withoutFilter([hierarchy]), parent, find, available, leave: () => leaveRoom(room, delegated.directory) };
}

function* offer(hierarchy: Hierarchy, parent: string): Procedure {
  yield* createParents(hierarchy, parent);
  yield* offerControllers(hierarchy, parent, []);
}

const inV2 = (hierarchy: Hierarchy, path: string): Cgroup => ({ layout: withoutFilter([hierarchy]), path, hierarchies: [hierarchy] });

/** Whether a process can be put there from where this one is: that takes writing to the cgroup above both. */
function mayEnter(unified: Hierarchy, path: string): boolean {
  const [own] = findHierarchies()
    .filter(({ version }) => version === 2)
    .map((h) => prefixes(h.own));
  const common = prefixes(path).findLast((prefix) => own?.includes(prefix)) ?? '';
  try {
    accessSync(`${directoryIn(unified, common)}/cgroup.procs`, constants.W_OK);
    return existsSync(directoryIn(unified, path));
  } catch {
    return false;
  }
}

const withoutFilter = (hierarchies: readonly Hierarchy[]): CgroupLayout => ({ ...layoutOf(hierarchies, () => false), deviceFilter: 'needless' });

/** Moves processes into a cgroup of their own. Others may stay: then no limits can be given, and who asks for one is told so. */
function makeRoom(directory: string, processes: readonly number[]): void {
  try {
    mkdirSync(directory, { recursive: true });
    for (const pid of processes) writeFileSync(`${directory}/cgroup.procs`, String(pid));
  } catch {
    // as above
  }
}

/** Goes back, where a cgroup that hands controllers down may have no processes. What is not to be undone goes with the user's session. */
function leaveRoom(directory: string, above: string): void {
  try {
    const handedDown = readFileSync(`${above}/cgroup.subtree_control`, 'latin1').trim().split(' ').filter(Boolean);
    if (handedDown.length > 0) writeFileSync(`${above}/cgroup.subtree_control`, handedDown.map((controller) => `-${controller}`).join(' '));
    writeFileSync(`${above}/cgroup.procs`, String(process.pid));
    rmdirSync(directory);
  } catch {
    // as above
  }
}
