/**
 * What a path of the container will lead to once its mounts are made, looked up before there is a process: in the root, or in the
 * source of the mount that it lies on. What changes meanwhile makes a later step fail; it leads no step elsewhere.
 */
import { closeSync, openSync, statSync } from 'node:fs';
import type { Known } from '../../kernel/call.ts';
import { errno, KernelError } from '../../kernel/errno.ts';
import { closeFd, nodeOf, S_IFDIR, S_IFMT, toBytes, toText, tryOpenBeneath, tryOpenInRoot, tryReadLinkAt, type FileNode } from '../../kernel/file-at.ts';
import { openFlags } from '../../kernel/flags.ts';
import { relative, type BindSource } from './mount-steps.ts';
import type { PlannedMount } from './mount-plan.ts';

/** A mount for which everything is at hand. */
export interface PreparedMount extends PlannedMount {
  /** The tree to attach: of a bind mount, or of a tmpfs that is filled already. */
  readonly source?: BindSource;
  readonly isFile: boolean;
  /** Where its destination leads to, without the links of the image. */
  readonly place: string;
}

/** The mount that a path will lie on: the last that is made at it or above it. */
export function mountAbove<M extends PreparedMount>(mounts: readonly M[], path: string): M | undefined {
  // For each path of a start, over each of its mounts: a loop, and no function for each mount.
  for (let i = mounts.length - 1; i >= 0; i--) {
    const mount = mounts[i]!;
    if (path.startsWith(mount.place) && mount.kind !== 'remount' && isBelow(path, mount.place)) return mount;
  }
  return undefined;
}

/** Whether a path is another or beneath it. */
export const isBelow = (path: string, above: string): boolean =>
  above === '/' || (path.startsWith(above) && (path.length === above.length || path[above.length] === '/'));

/** What is at a path. */
export type Found = FileNode;

/** File systems in which nothing is that anybody asks for before it is made. */
const emptyAtFirst = new Set(['tmpfs', 'ramfs', 'devpts', 'mqueue', 'hugetlbfs', 'cgroup', 'cgroup2']);

/** What is at a path: its status; undefined where nothing is, or where only an explanation asks; or that it cannot be told. */
export function statusAt(root: Known, mounts: readonly PreparedMount[], path: string, noFollow = false): Found | undefined | 'unknown' {
  const mount = mountAbove(mounts, path);
  if (!mount) return typeof root === 'number' ? statusIn(root, path, noFollow) : explained(path);
  const { type, options } = mount.mount;
  const rest = path.slice(mount.place === '/' ? 0 : mount.place.length);
  const directory = { mode: S_IFDIR, major: 0, minor: 0 };
  if (mount.source) {
    if (rest === '' && mount.isFile) return { mode: 0, major: 0, minor: 0 };
    if (typeof mount.source.fd === 'number') return statusIn(mount.source.fd, rest, noFollow);
    return mount.source.open ? statusBelow(mount.source.path, rest, noFollow) : explained(path);
  }
  // The same kernel serves the container: what its /proc and /sys have, those of the host have.
  if (type === 'proc') return options.includes('subset=pid') && !/^(\/(self|thread-self|\d+)(\/|$)|$)/.test(rest) ? undefined : onHost(`/proc${rest}`);
  if (type === 'sysfs') return onHost(`/sys${rest}`);
  if (rest === '') return directory;
  if (emptyAtFirst.has(type)) return undefined;
  return 'unknown';
}

/** How many links the kernel follows in one path. */
const linksAtMost = 40;

/**
 * Where a path leads to in the image, whose links are followed as the kernel does beneath a root; what is missing is taken as it is written,
 * and so is what lies on a mount.
 * @param noFollow a link at its end is meant itself
 * @throws KernelError where it has too many links
 */
export function placeOf(root: Known, mounts: readonly PreparedMount[], path: string, noFollow = false): string {
  if (typeof root !== 'number') return path;
  const left = path.split('/');
  let place: string[] = [];
  let links = 0;
  while (left.length > 0) {
    const name = left.shift()!;
    if (name === '' || name === '.') continue;
    if (name === '..') {
      place = place.slice(0, -1);
      continue;
    }
    place = [...place, name];
    const here = place.join('/');
    const target = mountAbove(mounts, `/${here}`) || (noFollow && left.length === 0) ? undefined : linkIn(root, here);
    if (target === undefined) continue;
    if (++links > linksAtMost) throw new KernelError(`open "${path}" in the root`, errno.ELOOP);
    place = target.startsWith('/') ? [] : place.slice(0, -1);
    left.unshift(...target.split('/'));
  }
  return `/${place.join('/')}`;
}

/** What a symbolic link of the image says; undefined for anything else. */
function linkIn(root: number, path: string): string | undefined {
  const fd = tryOpenBeneath(root, toBytes(path), openFlags.O_PATH | openFlags.O_NOFOLLOW);
  if (fd < 0) return undefined;
  try {
    const target = tryReadLinkAt(fd, '');
    return target === undefined ? undefined : toText(target);
  } finally {
    closeFd(fd);
  }
}

function statusIn(root: number, path: string, noFollow: boolean): Found | undefined {
  const fd = tryOpenInRoot(root, toBytes(relative(path)), openFlags.O_PATH | (noFollow ? openFlags.O_NOFOLLOW : 0));
  if (fd === -errno.ENOENT || fd === -errno.ENOTDIR) return undefined;
  if (fd < 0) throw new KernelError(`open "${path}" in the root`, -fd);
  try {
    return nodeOf(fd);
  } finally {
    closeFd(fd);
  }
}

/** What a source of the host's has, of which there is no copy yet. */
function statusBelow(source: string, path: string, noFollow: boolean): Found | undefined {
  const fd = openSync(source, openFlags.O_PATH);
  try {
    return statusIn(fd, path, noFollow);
  } finally {
    closeSync(fd);
  }
}

function onHost(path: string): Found | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && { mode: found.mode, major: 0, minor: 0 };
}

/** In an explanation there is nothing to look into: what the kernel has is there, and nothing else. */
const explained = (path: string): Found | undefined => (/^\/(proc|sys)\//.test(path) ? onHost(path) : undefined);

/** Whether it is a directory. */
export const isDirectoryMode = ({ mode }: Pick<Found, 'mode'>): boolean => (mode & S_IFMT) === S_IFDIR;
