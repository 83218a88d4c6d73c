/**
 * Finds what cgroups this machine has, and tries whether it takes device filters. Apart from layout.ts, which only reads files.
 */
import { canLoadDeviceFilter } from '../../kernel/bpf/program.ts';
import { inFirstUserNamespace } from '../../kernel/user-namespace.ts';
import { CgroupError } from './error.ts';
import { findHierarchies, layoutOf, type CgroupLayout, type Hierarchy, type LookOptions } from './layout.ts';

/** Options of {@link detectCgroups}, for tests. */
export interface DetectOptions extends LookOptions {
  /** Whether eBPF device filters can be loaded; default: tries it. */
  readonly bpf?: boolean;
}

/**
 * Ask once and keep the answer: mounts of cgroups do not change while a machine is up.
 * @throws CgroupError when no cgroup hierarchy is mounted
 */
export function detectCgroups(options: DetectOptions = {}): CgroupLayout {
  const { bpf, ...look } = options;
  const layout = layoutOf(mounted(findHierarchies(look)), () => bpf ?? canLoadDeviceFilter());
  // Neither list nor program is for who is root of a user namespace only; but there no device node can be made either.
  return layout.deviceFilter === 'bpf' || options.mountinfo !== undefined || inFirstUserNamespace() ? layout : { ...layout, deviceFilter: 'needless' };
}

/** @throws CgroupError when there is no hierarchy */
export function mounted(hierarchies: readonly Hierarchy[]): readonly Hierarchy[] {
  if (hierarchies.length > 0) return hierarchies;
  throw new CgroupError('no cgroup file system is mounted: mount one, for example with: mount -t cgroup2 none /sys/fs/cgroup');
}
