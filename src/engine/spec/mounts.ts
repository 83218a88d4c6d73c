/** What is mounted into a container, in the order to do it: the kernel's file systems, then the user's by depth. */
import type { HostConfig, MountPoint } from '../../api/schema.ts';
import type { MountSpec } from '../../runtime/spec.ts';
import { hasUserNamespace, networkTarget } from './namespaces.ts';

/** Paths of the files that the engine generates. */
export interface GeneratedFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

const defaultShmSize = 64 << 20;

/** Every mount of a container. */
export function mountsOf(hostConfig: HostConfig, points: readonly MountPoint[], files: GeneratedFiles): MountSpec[] {
  const taken = new Set([...points.map((p) => p.Destination), ...Object.keys(hostConfig.Tmpfs ?? {})]);
  const generated: MountSpec[] = [
    { destination: '/etc/resolv.conf', source: files.resolvConf }, { destination: '/etc/hostname', source: files.hostname }, { destination: '/etc/hosts', source: files.hosts },
  ].map((file) => ({ ...file, type: 'bind', options: ['bind', 'rprivate'] }));
  const tmpfs = Object.entries(hostConfig.Tmpfs ?? {}).map(([destination, options]): MountSpec => ({ destination, type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(options) }));
  const mine = [...generated, ...tmpfs, ...points.map(mountOf)].filter((m) => !generated.includes(m) || !taken.has(m.destination));
  return [...kernelMounts(hostConfig).filter((m) => !taken.has(m.destination)), ...mine.sort((a, b) => depth(a) - depth(b))];
}

const depth = (mount: MountSpec): number => mount.destination.split('/').filter(Boolean).length;

function kernelMounts(hostConfig: HostConfig): MountSpec[] {
  const { Privileged = false } = hostConfig;
  const safe = ['nosuid', 'noexec', 'nodev'];
  const sysAccess = Privileged ? 'rw' : 'ro';
  // A user namespace may mount sysfs only with a network namespace of its own; else the host's is shown.
  const bindSys = hasUserNamespace(hostConfig) && networkTarget(hostConfig).kind === 'host';
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: safe },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'] },
    bindSys ? { destination: '/sys', type: 'bind', source: '/sys', options: ['rbind', 'rprivate', ...safe, 'rro'] } : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...safe, sysAccess] },
    ...(hostConfig.CgroupnsMode === 'host' || bindSys ? [] : [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', ...safe] }]),
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: safe },
    ...(hostConfig.IpcMode === 'host'
      ? [{ destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', 'rprivate'] }]
      : [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...safe, 'mode=1777', `size=${hostConfig.ShmSize || defaultShmSize}`] }]),
  ].filter((m) => !(m.destination === '/dev/mqueue' && hostConfig.IpcMode === 'host' && hasUserNamespace(hostConfig)));
}

/** Docker's defaults for `--tmpfs`, and what the user says of them. */
function tmpfsOptions(options: string): string[] {
  return ['nosuid', 'nodev', 'noexec', ...(options ? options.split(',') : [])];
}

function mountOf(point: MountPoint): MountSpec {
  const words = point.Mode.split(',').filter(Boolean);
  if (point.Type === 'tmpfs') return { destination: point.Destination, type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'noexec', ...words, ...(point.RW ? [] : ['ro'])] };
  const known = words.filter((word) => /^(r?(private|slave|shared|unbindable)|rro|nosuid|nodev|noexec|exec|suid|dev)$/.test(word));
  const recursive = words.includes('norecursive') ? 'bind' : 'rbind';
  const propagation = point.Propagation && !known.includes(point.Propagation) ? [point.Propagation] : [];
  return { destination: point.Destination, type: 'bind', source: point.Source, options: [recursive, ...propagation, ...known, ...(point.RW ? [] : ['ro'])] };
}
