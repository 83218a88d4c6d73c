/**
 * A mount of type `cgroup`, taken apart: what a container finds there depends on the machine's cgroups. With a cgroup namespace its own
 * hierarchies are mounted (cgroup/mounts.ts). Without one such a mount would show the whole machine's, so its own directories are bound.
 * See cgroup_namespaces(7).
 */
import { word } from '../step/shell.ts';
import type { Procedure } from '../step/step.ts';
import { directoryIn, type Cgroup } from './cgroup/cgroup.ts';
import { titleOf } from './cgroup/layout.ts';
import { cgroupMounts, type CgroupMounts } from './cgroup/mounts.ts';
import { cloneTree, type BindSource } from './rootfs/mount-steps.ts';
import type { MountSpec, Spec } from './spec.ts';
import { opening, takeCopy } from './taking.ts';

/** The mounts to make, with the sources of those that are bound. */
export interface CgroupTree extends CgroupMounts {
  readonly sources: ReadonlyMap<MountSpec, BindSource>;
}

/** Takes a mount apart, and takes hold of what is to be bound. */
export function* cgroupTree(
  mount: MountSpec,
  { cgroup, spec: { linux }, mayMount }: { readonly cgroup: Cgroup; readonly spec: Spec; readonly mayMount: boolean },
): Procedure<CgroupTree> {
  const writable = !mount.options.includes('ro');
  const { destination } = mount;
  const tree = cgroupMounts(cgroup, destination, writable);
  if (linux.namespaces.some((n) => n.type === 'cgroup')) return { ...tree, sources: new Map() };
  const sources = new Map<MountSpec, BindSource>();
  const options = ['bind', 'rprivate', writable ? 'rw' : 'ro', 'nosuid', 'nodev', 'noexec'];
  const binds: MountSpec[] = [];
  for (const hierarchy of cgroup.hierarchies) {
    const source = directoryIn(hierarchy, cgroup.path);
    const at = cgroup.layout.mode === 'v2' ? destination : `${destination}/${titleOf(hierarchy)}`;
    const bind: MountSpec = { destination: at, type: 'bind', source, options };
    const taking = opening('mount.source', `Take ${source} as the source of ${at}`, cloneTree(source, false), {
      shell: () => `test -e ${word(source)}`,
      look: () => `findmnt -T ${word(source)}`,
    });
    sources.set(bind, { ...(yield* takeCopy(taking, mayMount)), path: source });
    binds.push(bind);
  }
  const holder = cgroup.layout.mode === 'v2' ? [] : tree.mounts.slice(0, 1);
  return { ...tree, mounts: [...holder, ...binds], sources };
}
