/** What is mounted into a container, in the order to do it: the kernel's file systems, then the user's by depth. */
import { posix } from 'node:path';
import type { HostConfig, MountPoint } from '../../api/schema.ts';
import { inFirstUserNamespace, isMapped } from '../../kernel/user-namespace.ts';
import type { MountSpec } from '../../runtime/spec.ts';
import { hasUserNamespace, networkTarget, userMapping } from './namespaces.ts';
import { tmpfsMount, tmpfsWords } from './tmpfs.ts';

/** Paths of the files that the engine generates. */
export interface GeneratedFiles {
  readonly hosts: string;
  readonly hostname: string;
  readonly resolvConf: string;
}

const defaultShmSize = 64 << 20;

/**
 * Every mount of a container. What the user puts at a path of ours, or above it, takes its place.
 * @param devices nodes of the host's that are bound
 */
export function mountsOf(hostConfig: HostConfig, points: readonly MountPoint[], files: GeneratedFiles, devices: readonly MountSpec[] = []): MountSpec[] {
  const tmpfs = Object.entries(hostConfig.Tmpfs ?? {}).map(([path, options]) => tmpfsMount(cleanPath(path), tmpfsWords(options)));
  const own = [...tmpfs, ...points.map((point) => mountOf(point, hostConfig))];
  const taken = own.map((mount) => mount.destination);
  const kernel = kernelMounts(hostConfig).filter(({ destination }) => !taken.some((path) => destination === path || destination.startsWith(`${path}/`)));
  const generated = generatedMounts(hostConfig, files).filter(({ destination }) => !taken.includes(destination));
  return [...kernel, ...devices, ...[...generated, ...own].sort((a, b) => depth(a) - depth(b))];
}

/** `/a//b/` as `/a/b`. */
export function cleanPath(path: string): string {
  return posix.normalize(path).replace(/(.)\/+$/, '$1');
}

const depth = (mount: MountSpec): number => mount.destination.split('/').length;

function generatedMounts({ ReadonlyRootfs }: HostConfig, files: GeneratedFiles): MountSpec[] {
  const options = ['bind', 'rprivate', ...(ReadonlyRootfs ? ['ro'] : [])];
  return [
    { destination: '/etc/resolv.conf', type: 'bind', source: files.resolvConf, options },
    { destination: '/etc/hostname', type: 'bind', source: files.hostname, options },
    { destination: '/etc/hosts', type: 'bind', source: files.hosts, options },
  ];
}

const safe = ['nosuid', 'noexec', 'nodev'];

function kernelMounts(hostConfig: HostConfig): MountSpec[] {
  const { Privileged = false, IpcMode = '', PidMode = '', ShmSize } = hostConfig;
  const user = hasUserNamespace(hostConfig);
  const hostIpc = IpcMode === 'host';
  // The group that owns terminals: in a user namespace only an id that it maps can be one.
  const terminals = (user ? userMapping(hostConfig.UsernsMode!).size > terminalGroup : isMapped('gid', terminalGroup)) ? [`gid=${terminalGroup}`] : [];
  return [
    // A user namespace may mount proc only of a PID namespace that is its own.
    PidMode === 'host' && !inFirstUserNamespace()
      ? { destination: '/proc', type: 'bind', source: '/proc', options: ['rbind', 'rprivate', ...safe] }
      : { destination: '/proc', type: 'proc', source: 'proc', options: safe },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...terminals] },
    ...sysMounts(hostConfig, Privileged, user),
    // The host's message queues belong to another user namespace than the container's.
    ...(hostIpc && (user || !inFirstUserNamespace()) ? [] : [{ destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: safe }]),
    ...(hostIpc ? [{ destination: '/dev/shm', type: 'bind', source: '/dev/shm', options: ['rbind', 'rprivate'] }] : []),
    ...(hostIpc || IpcMode === 'none'
      ? []
      : [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...safe, 'mode=1777', `size=${ShmSize || defaultShmSize}`] }]),
  ];
}

/** The group `tty` of nearly every distribution. */
const terminalGroup = 5;

function sysMounts(hostConfig: HostConfig, privileged: boolean, user: boolean): MountSpec[] {
  const access = privileged ? 'rw' : 'ro';
  const bound = ['rbind', 'rprivate', ...safe, ...(privileged ? [] : ['ro', 'rro'])];
  // A user namespace may mount sysfs only with a network namespace of its own; else the host's is shown, cgroups and all.
  if (user && networkTarget(hostConfig).kind === 'host') return [{ destination: '/sys', type: 'bind', source: '/sys', options: bound }];
  const sys: MountSpec = { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...safe, access] };
  // Without a cgroup namespace the container sees what the host sees.
  if (hostConfig.CgroupnsMode === 'host') return [sys, { destination: '/sys/fs/cgroup', type: 'bind', source: '/sys/fs/cgroup', options: bound }];
  return [sys, { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [access, ...safe] }];
}

/** Words of a mode that are for the mount; the others are for the engine, or for SELinux. */
const mountWords = /^(r?(private|slave|shared|unbindable)|nosuid|nodev|noexec|exec|suid|dev)$/;

function mountOf({ Type, Source, Destination, Mode, RW, Propagation }: MountPoint, hostConfig: HostConfig): MountSpec {
  const words = Mode.split(',').filter(Boolean);
  if (Type === 'tmpfs') return tmpfsMount(Destination, [...words, ...(RW ? [] : ['ro'])]);
  const options = words.filter((word) => mountWords.test(word));
  if (Propagation && !options.includes(Propagation)) options.unshift(Propagation);
  // Read-only goes for the mounts beneath the source too, unless the client asked otherwise.
  const alone = words.includes('norecursive') || isReadOnlyAtTheTop(Destination, hostConfig);
  const readOnly = RW ? [] : alone ? ['ro'] : ['ro', 'rro'];
  return { destination: Destination, type: 'bind', source: Source, options: [words.includes('norecursive') ? 'bind' : 'rbind', ...options, ...readOnly] };
}

const isReadOnlyAtTheTop = (destination: string, { Mounts = [] }: HostConfig): boolean =>
  Mounts.some((m) => m.BindOptions?.ReadOnlyNonRecursive === true && m.Target !== undefined && cleanPath(m.Target) === destination);
