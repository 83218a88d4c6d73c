/** What is done with systemd for a container that is there: entering, changing and stopping its unit. */
import type { CgroupPlace } from '../../runtime/cgroup/cgroup.ts';
import type { Resources } from '../../runtime/spec.ts';
import { mayMake } from '../cgroup-path.ts';
import { Manager, type Property } from './manager.ts';
import { limitProperties } from './properties.ts';
import { Variant } from './wire.ts';

/** The processes that a new unit begins with. */
export const pids = (pid: number): Property => ['PIDs', new Variant('au', [pid])];

async function withManager<R>(rootless: boolean, act: (manager: Manager) => Promise<R>): Promise<R> {
  const manager = await Manager.connect(rootless);
  try {
    return await act(manager);
  } finally {
    manager.close();
  }
}

/** Stops the unit; no failure when it is gone, as it is by itself when the last process has left it. */
export function stopUnit(unit: string, rootless: boolean): Promise<void> {
  return withManager(rootless, (manager) => manager.stopUnit(unit));
}

/**
 * Tells systemd of other limits, so that it does not put back the former ones.
 * @param resources all limits of the container, those that stay included
 */
export function setLimits(unit: string, resources: Resources, unified: boolean, rootless: boolean): Promise<void> {
  return withManager(rootless, async (manager) => manager.setProperties(unit, limitProperties(resources, unified, await manager.version())));
}

/**
 * A user's process can be born in a cgroup only if its parent is in one that the same manager has made, which that of a login session
 * is not. So the parent, this process, has itself moved: into a scope that ends with it.
 */
export async function moveWithinReach(manager: Manager, place: CgroupPlace): Promise<void> {
  if (isWithinReach(place)) return;
  await manager.startTransientUnit(`hako-oci-${process.pid}.scope`, [
    ['Description', new Variant('s', 'hako-oci')],
    ['Slice', new Variant('s', 'user.slice')],
    pids(process.pid),
  ]);
}

/** The same, for one more process of a user's container. */
export async function comeWithinReach(place: CgroupPlace): Promise<void> {
  if (!isWithinReach(place)) await withManager(true, (manager) => moveWithinReach(manager, place));
}

function isWithinReach({ path, hierarchies }: CgroupPlace): boolean {
  const unified = hierarchies.find((h) => h.version === 2);
  return !unified || mayMake(unified, path);
}
