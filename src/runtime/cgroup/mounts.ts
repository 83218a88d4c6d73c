/**
 * What a container sees at /sys/fs/cgroup, as data: its own cgroups as if they were the roots, and nothing writable
 * unless the container is privileged.
 *
 * Safe against CVE-2022-0492 (a container that writes release_agent of a v1 hierarchy runs a program on the host):
 * every mount is read-only; each is made inside the container's own cgroup namespace, after joining, so its root is the
 * container's cgroup, where no release_agent exists; and a hierarchy that the container has no cgroup in is not
 * mounted, since it would show the host's.
 */
import type { MountSpec } from '../spec.ts';
import type { Cgroup } from './cgroup.ts';
import { titleOf } from './layout.ts';

export interface CgroupMounts {
  /** In the order to make them; their directories are to be made too. All inside the container's cgroup namespace. */
  readonly mounts: readonly MountSpec[];
  /** Symbolic links to make: `cpu` to `cpu,cpuacct`. */
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** To be remounted read-only at the end: the tmpfs that holds directories and links. */
  readonly thenReadOnly?: string;
}

const safe = ['nosuid', 'nodev', 'noexec', 'relatime'] as const;

/**
 * @param cgroup the container's, as {@link createCgroup} returned it
 * @param destination inside the container
 * @param writable for a privileged container, which may make cgroups of its own
 */
export function cgroupMounts(cgroup: Cgroup, destination = '/sys/fs/cgroup', writable = false): CgroupMounts {
  const options = [writable ? 'rw' : 'ro', ...safe];
  if (cgroup.layout.mode === 'v2') return { mounts: [{ destination, type: 'cgroup2', source: 'cgroup', options }], links: [] };

  const mounts: MountSpec[] = [{ destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', 'mode=755', 'size=64k'] }];
  const links: { path: string; target: string }[] = [];
  for (const hierarchy of cgroup.hierarchies) {
    const title = titleOf(hierarchy);
    const at = `${destination}/${title}`;
    if (hierarchy.version === 2) {
      mounts.push({ destination: at, type: 'cgroup2', source: 'cgroup', options });
    } else {
      const which = hierarchy.name ? ['none', `name=${hierarchy.name}`] : hierarchy.controllers;
      mounts.push({ destination: at, type: 'cgroup', source: 'cgroup', options: [...options, ...which] });
      if (hierarchy.controllers.length > 1) for (const controller of hierarchy.controllers) links.push({ path: `${destination}/${controller}`, target: title });
    }
  }
  return { mounts, links, ...(writable ? {} : { thenReadOnly: destination }) };
}
