/** Finds what a running container has from outside: mounts, standard streams, namespaces. See criu(8), "--external". */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { readMountinfo, type Mount } from '../../kernel/mountinfo.ts';
import type { Spec } from '../../runtime/spec.ts';
import { isBind } from '../config/config-schema.ts';
import { OciError } from '../error.ts';
import { keptOptions, type ExternalMount, type Externals } from './image.ts';

/** @param pid of the container's first process, which stands still or is known to live */
export function findExternals(pid: number, spec: Spec): Externals {
  return { mounts: externalMounts(pid, spec), streams: [0, 1, 2].map((fd) => externalStream(pid, fd)), namespaces: joinedNamespaces(spec) };
}

function externalMounts(pid: number, spec: Spec): ExternalMount[] {
  if (!spec.linux.namespaces.some(({ type }) => type === 'mount'))
    throw new OciError('a container in the mount namespace of its caller cannot be checkpointed');
  const mounts = readMountinfo(pid);
  const root = mounts.find(({ mountPoint }) => mountPoint === '/');
  const binds = spec.mounts.filter(isBind).map(({ destination }) => destination);
  const found = new Map<string, ExternalMount>();
  for (const mount of mounts) {
    const { mountPoint: destination } = mount;
    const from = mount === root ? undefined : sourceOf(mount, mounts, binds);
    if (from !== undefined) found.set(destination, { destination, from, options: keptOptions.filter((option) => mount.options.includes(option)) });
  }
  return [...found.values()];
}

/** Undefined for a mount that criu makes by itself. */
function sourceOf(mount: Mount, mounts: readonly Mount[], binds: readonly string[]): ExternalMount['from'] | undefined {
  const { mountPoint: destination } = mount;
  if (binds.includes(destination)) return 'bind';
  // A namespace for them does not make them the container's: criu would mount those of the host's.
  if (mount.type === 'cgroup' || mount.type === 'cgroup2') return `cgroup ${titleOf(mount)}`;
  if (isOwn(mount, mounts, binds)) return undefined;
  if (mount.type === 'devtmpfs') return `device ${mount.root.slice(1)}`;
  if (binds.some((bind) => isAtOrBelow(destination, bind))) return 'bind'; // it came with that
  throw new OciError(
    `the mount ${destination} cannot be checkpointed: it shows ${mount.root} of a ${mount.type} that is not the container's, and config.json does not say where it is from`,
  );
}

/** Whether all of the file system is mounted in the container, and not from outside: what shows a part of it can be made of it. */
const isOwn = ({ device }: Mount, mounts: readonly Mount[], binds: readonly string[]): boolean =>
  mounts.some((other) => other.device === device && other.root === '/' && !binds.some((bind) => isAtOrBelow(other.mountPoint, bind)));

const isAtOrBelow = (path: string, above: string): boolean => path === above || path.startsWith(`${above}/`);

/** As src/runtime/cgroup/layout.ts names hierarchies. */
function titleOf({ type, superOptions }: Mount): string {
  if (type === 'cgroup2') return 'unified';
  const name = superOptions.find((option) => option.startsWith('name='));
  return name ? name.slice('name='.length) : superOptions.filter((option) => option !== 'rw' && option !== 'ro').join(',');
}

/** Pipes and sockets have ends outside; a file that was opened on a mount of the host's is none of the container's. */
function externalStream(pid: number, fd: number): string | null {
  try {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    if (target.startsWith('pipe:[')) return target;
    const mount = Number(/^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1]);
    if (!target.startsWith('/') || readMountinfo(pid).some(({ id }) => id === mount)) return null;
    return `file[${mount.toString(16)}:${statSync(`/proc/${pid}/fd/${fd}`, { bigint: true }).ino.toString(16)}]`;
  } catch {
    return null; // it is closed
  }
}

/** Those that criu can be given. */
const nameOf: Readonly<Record<string, string>> = { network: 'extRootNetNS', pid: 'extRootPidNS' };

function joinedNamespaces(spec: Spec): Externals['namespaces'] {
  const joined = spec.linux.namespaces.filter(({ path }) => path !== undefined && path !== '');
  const other = joined.find(({ type }) => !(type in nameOf));
  if (other)
    throw new OciError(
      `a container that has joined a namespace (${other.type}) by its path cannot be checkpointed: criu takes network and pid from outside alone`,
    );
  return joined.map(({ type }) => ({ type, name: `${nameOf[type]}` }));
}

/** The words by which criu is told of them when it dumps. */
export function dumpWords(pid: number, { mounts, streams, namespaces }: Externals): string[] {
  const inode = (type: string): bigint => statSync(`/proc/${pid}/ns/${type === 'network' ? 'net' : type}`, { bigint: true }).ino;
  const names = [
    ...mounts.map(({ destination }) => `mnt[${destination}]:${destination}`),
    ...streams.filter((name) => name?.startsWith('file[')),
    ...namespaces.map(({ type, name }) => `${type === 'network' ? 'net' : type}[${inode(type)}]:${name}`),
  ];
  return names.flatMap((name) => ['--external', name!]);
}
