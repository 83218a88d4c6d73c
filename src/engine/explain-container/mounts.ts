/** The mounts that a container's first process sees, and where each comes from. See mount_namespaces(7), proc_pid_mountinfo(5). */
import type { MountView } from '../../api/schema.ts';
import { mountAt, readMountinfo, type Mount } from '../../kernel/mountinfo.ts';
import type { Subject } from './subject.ts';

/** Every mount. Volumes and bind mounts of the record are compared. */
export function mountsOf(subject: Subject): MountView[] {
  const { container, pid, differs } = subject;
  const mounts = readMountinfo(pid);
  for (const point of container.record.mounts) {
    const mount = mountAt(mounts, point.Destination);
    if (!mount) differs(`The record has a ${point.Type} at ${point.Destination}, where the process sees no mount`);
    else if (mount.options.includes('ro') === point.RW)
      differs(`The record has ${point.Destination} ${point.RW ? 'writable' : 'read-only'}, the kernel has it ${point.RW ? 'read-only' : 'writable'}`);
  }
  const root = mountAt(mounts, '/');
  const readOnly = container.record.hostConfig.ReadonlyRootfs ?? false;
  if (root && root.options.includes('ro') !== readOnly)
    differs(`The record has the root ${readOnly ? 'read-only' : 'writable'}, the kernel has it the other way`);
  return mounts.map((mount) => ({
    path: mount.mountPoint,
    type: mount.type,
    source: mount.root === '/' ? mount.source : `${mount.source}[${mount.root}]`,
    options: [...mount.options, ...mount.propagation],
    ...originOf(subject, mount),
  }));
}

const kernelTypes: Readonly<Record<string, string>> = {
  proc: "the kernel's view of processes and settings",
  sysfs: "the kernel's view of devices",
  devpts: 'terminals of its own',
  mqueue: 'POSIX message queues',
  cgroup: 'its cgroup, version 1',
  cgroup2: 'its cgroup, version 2',
};

/** What a mount is, in one word and one phrase. */
export function originOf({ container }: Pick<Subject, 'container'>, mount: Mount): Pick<MountView, 'origin' | 'meaning'> {
  const { mountPoint, type, options } = mount;
  const point = container.record.mounts.find((m) => m.Destination === mountPoint);
  if (mountPoint === '/') return { origin: 'layers', meaning: "the image's layers with the container's writable one on top" };
  if (point) {
    const access = point.RW ? '' : ', read-only by its option';
    return point.Type === 'volume'
      ? { origin: `volume ${point.Name ?? ''}`.trim(), meaning: `a volume${access}` }
      : { origin: point.Type, meaning: point.Type === 'bind' ? `${point.Source} of the host${access}` : `a ${point.Type}${access}` };
  }
  if (/^\/etc\/(hosts|hostname|resolv\.conf)$/.test(mountPoint)) return { origin: 'engine', meaning: 'written by the engine for this container' };
  const inKernel = /^\/(proc|sys)\//.test(mountPoint) && !mountPoint.startsWith('/sys/fs/cgroup');
  if (inKernel && type !== 'proc' && type !== 'sysfs') return { origin: 'mask', meaning: 'hidden from the container' };
  if (inKernel && options.includes('ro')) return { origin: 'mask', meaning: 'read-only, since it has no namespace' };
  const kernel = kernelTypes[type];
  if (kernel !== undefined) return { origin: 'kernel', meaning: kernel };
  if (type === 'tmpfs') return { origin: 'tmpfs', meaning: mountPoint === '/dev' ? 'devices, in memory' : 'in memory, gone with the container' };
  if (mountPoint.startsWith('/dev/')) return { origin: 'device', meaning: "a device node of the host's" };
  return { origin: 'other', meaning: 'neither in the record nor one that every container has' };
}
