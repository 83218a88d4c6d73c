/** The tree of files that a process sees: its root and working directory, and the mounts that it is made of. See proc_pid_mountinfo(5). */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { call, result } from '../../kernel/call.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../../kernel/flags.ts';
import { readInChild } from '../../kernel/launch/child.ts';
import { parseMountinfo, readMountinfo, type Mount } from '../../kernel/mountinfo.ts';
import { forbidden, isForbidden, isGone, ProcessDirectory, vanished } from '../ns/processes.ts';
import { isOf, statBuffer } from './identity.ts';

/** How mounts below it travel, decoded; see mount_namespaces(7), SHARED SUBTREES. */
export interface Propagation {
  readonly mode: 'private' | 'shared' | 'slave' | 'shared and slave' | 'unbindable';
  /** The peer group in which mounts made here appear, and the one that they come from. */
  readonly group?: number;
  readonly master?: number;
  /** Other mounts of the group, in this namespace and in others: `PID:/path`. */
  readonly peers: readonly string[];
}

/** A mount, with those on it. */
export interface MountNode {
  readonly path: string;
  readonly type: string;
  readonly source: string;
  /** The directory of the file system that is mounted, where it is not its root. */
  readonly subtree?: string;
  readonly options: readonly string[];
  readonly propagation: Propagation;
  readonly below: readonly MountNode[];
}

/** What a process sees. */
export interface RootView {
  readonly pid: number;
  readonly root: string;
  readonly directory: string;
  /** Its root is not the root of its mount namespace: it was changed by chroot(2), and what is outside is still mounted. Undefined: not known. */
  readonly changedRoot: boolean | undefined;
  /** The number of its mount namespace. */
  readonly namespace: string;
  readonly mounts: readonly MountNode[];
}

/** @throws ElementError when the process is gone, or another user's */
export function viewRoot(pid: number): RootView {
  const directory = ProcessDirectory.of(pid);
  try {
    const { path } = directory;
    const mounts = parseMountinfo(readFileSync(`${path}/mountinfo`, 'utf8'));
    const groups = peersOf(pid, mounts);
    const ids = new Set(mounts.map(({ id }) => id));
    const node = (mount: Mount): MountNode => ({
      path: mount.mountPoint,
      type: mount.type,
      source: mount.source,
      ...(mount.root === '/' ? {} : { subtree: mount.root }),
      options: mount.options,
      propagation: propagationOf(mount, groups),
      below: mounts.filter((other) => other.parent === mount.id && other !== mount).map(node),
    });
    return {
      pid,
      root: readlinkSync(`${path}/root`),
      directory: readlinkSync(`${path}/cwd`),
      changedRoot: isChanged(path, mounts),
      namespace: readlinkSync(`${path}/ns/mnt`),
      mounts: mounts.filter(({ id, parent }) => !ids.has(parent) || parent === id).map(node),
    };
  } catch (error) {
    if (isGone(error)) throw vanished(pid);
    if (isForbidden(error)) throw forbidden(pid, 'the root');
    throw error;
  } finally {
    directory.close();
  }
}

/**
 * Whether `/` of the process is another directory than the root of its mount namespace, which a child that joins the namespace sees.
 * Undefined where that is not allowed.
 * @param directory the process's in /proc
 */
function isChanged(directory: string, mounts: readonly Mount[]): boolean | undefined {
  // Mountinfo tells paths from the process's root: where that is no mount, nothing is mounted at `/`.
  if (!mounts.some(({ mountPoint }) => mountPoint === '/')) return true;
  const buffer = statBuffer();
  const open = call('openat', [AT_FDCWD, `${directory}/ns/mnt`, openFlags.O_CLOEXEC, 0]);
  const { values, bytes } = readInChild([open, call('setns', [result(open), cloneFlags.CLONE_NEWNS]), call('newfstatat', [AT_FDCWD, '/', buffer, 0])], buffer);
  if (values.at(-1) !== 0) return undefined;
  return !isOf(bytes, `${directory}/root/.`);
}

const tag = (mount: Mount, name: string): number | undefined => {
  const found = mount.propagation.find((text) => text.startsWith(`${name}:`));
  return found === undefined ? undefined : Number(found.slice(name.length + 1));
};

/** Decodes the tags of a line of mountinfo. */
export function propagationOf(mount: Mount, peers: ReadonlyMap<number, readonly Peer[]> = new Map()): Propagation {
  const [group, master] = [tag(mount, 'shared'), tag(mount, 'master')];
  const mode = mount.propagation.includes('unbindable')
    ? 'unbindable'
    : group !== undefined && master !== undefined
      ? 'shared and slave'
      : group !== undefined
        ? 'shared'
        : master !== undefined
          ? 'slave'
          : 'private';
  const others = [...(peers.get(group ?? -1) ?? []), ...(peers.get(master ?? -1) ?? [])].filter((peer) => peer.id !== mount.id);
  return {
    mode,
    ...(group === undefined ? {} : { group }),
    ...(master === undefined ? {} : { master }),
    peers: [...new Set(others.map(({ path }) => path))],
  };
}

/** A mount of a peer group. */
interface Peer {
  /** Behind a process's id, where it is in another namespace. */
  readonly path: string;
  /** Its id, where it is in the namespace that is looked at. */
  readonly id: number | undefined;
}

/** The mounts of each peer group that this process's mounts belong to: of its own namespace, and of one process of each other. */
function peersOf(pid: number, mounts: readonly Mount[]): Map<number, Peer[]> {
  const wanted = new Set(mounts.flatMap((mount) => [tag(mount, 'shared'), tag(mount, 'master')].filter((group) => group !== undefined)));
  const peers = new Map<number, Peer[]>();
  if (wanted.size === 0) return peers;
  const seen = new Set<string>();
  for (const other of [pid, ...readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? Number(name) : []))]) {
    try {
      const namespace = readlinkSync(`/proc/${other}/ns/mnt`);
      if (seen.has(namespace)) continue;
      seen.add(namespace);
      for (const mount of readMountinfo(other)) {
        const group = tag(mount, 'shared');
        if (group === undefined || !wanted.has(group)) continue;
        const peer = other === pid ? { path: mount.mountPoint, id: mount.id } : { path: `${other}:${mount.mountPoint}`, id: undefined };
        peers.set(group, [...(peers.get(group) ?? []), peer]);
      }
    } catch {
      continue; // it has ended, or is another user's
    }
  }
  return peers;
}
