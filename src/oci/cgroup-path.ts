/**
 * Which cgroup `linux.cgroupsPath` names. runtime-spec, config-linux.md, "Cgroups Path".
 *
 * An absolute path is one below the root of the hierarchies as they are mounted here. A relative one, and the absence of any, is
 * for the runtime to place, and a container is not to leave the limits of who calls for it: it is below the cgroup that hako-oci was
 * called in, which in version 1 is another in each hierarchy. With version 2 alone it is beside that, as runc has it, since below it
 * nothing could have controllers while processes are in it; and below it for a user to whom only that belongs.
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { cleanPath, parentPath } from '../kernel/absolute-path.ts';
import { directoryIn, prefixes } from '../runtime/cgroup/cgroup.ts';
import { beneath, type CgroupLayout, type Hierarchy } from '../runtime/cgroup/layout.ts';
import { OciError } from './error.ts';

/**
 * The cgroup's path, for the driver `cgroupfs`, and the hierarchies, with the roots from which it is meant.
 * @param cgroupsPath as config.json has it
 * @throws OciError when it names the root
 */
export function cgroupPlace(cgroupsPath: string | undefined, id: string, layout: CgroupLayout): { readonly path: string; readonly layout: CgroupLayout } {
  // As a path below a root of its own, so that no `..` leads out of it.
  const inner = cleanPath(cgroupsPath || id);
  if (inner === '/') throw new OciError(`linux.cgroupsPath ("${cgroupsPath}") names the root of the cgroups: name one below it`);
  if (cgroupsPath?.startsWith('/')) return { path: inner, layout };
  return layout.mode === 'v2' ? { path: besideOwn(layout) + inner, layout } : { path: inner, layout: belowOwn(layout) };
}

function besideOwn({ unified, delegated }: CgroupLayout): string {
  if (!unified || unified.own === '/') return '';
  const beside = parentPath(unified.own);
  const base = mayMake(unified, `${beside === '/' ? '' : beside}/x`) || !delegated ? beside : unified.own;
  return base === '/' ? '' : base;
}

function belowOwn(layout: CgroupLayout): CgroupLayout {
  const hierarchies = layout.hierarchies.map((h) => (isReached(h) ? beneath(h, h.own) : h));
  const unified = hierarchies.find(({ version }) => version === 2);
  return { ...layout, hierarchies, ...(unified && { unified }) };
}

/** Whether its own cgroup is one below its mount. In a container's view of the hierarchies it need not be. */
const isReached = (hierarchy: Hierarchy): boolean =>
  hierarchy.own !== '/' && !hierarchy.own.split('/').includes('..') && existsSync(directoryIn(hierarchy, hierarchy.own));

/** Whether this user may make a cgroup in a hierarchy and have a process in it. See cgroups(7), "Delegation". */
export function mayMake(hierarchy: Hierarchy, path: string): boolean {
  const existing = ['', ...prefixes(path)].findLast((prefix) => existsSync(directoryIn(hierarchy, prefix)));
  if (existing === undefined || !mayWrite(directoryIn(hierarchy, existing))) return false;
  if (hierarchy.version === 1) return true;
  // To move from one cgroup to another takes writing to the one that both are below.
  const own = prefixes(hierarchy.own);
  const common = prefixes(path).findLast((prefix) => own.includes(prefix)) ?? '';
  return mayWrite(`${directoryIn(hierarchy, common)}/cgroup.procs`);
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
