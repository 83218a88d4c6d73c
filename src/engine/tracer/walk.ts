/**
 * Walks a path as the kernel would for a traced thread: from its root or working directory, through its mounts, links followed,
 * and says at which component the thread is refused. Nothing is opened but as a place (O_PATH). See path_resolution(7), acl(5).
 */
import { errno } from '../../kernel/errno.ts';
import { closeFd, isDirectory, mountIdOf, readLinkAt, S_IFLNK, S_IFMT, statFd, toBytes, toText, tryOpenAt, type FileStatus } from '../../kernel/file-at.ts';
import { capabilityNumber } from '../../kernel/capability.ts';
import { openFlags } from '../../kernel/flags.ts';
import { getXattr } from '../../kernel/xattr.ts';
import { tryLink } from '../process-files.ts';
import { R, W, X } from './calls.ts';
import type { TracedThread } from './thread.ts';

/** A place on the way. */
export interface Place {
  /** As the thread would write it, from its root. */
  readonly path: string;
  readonly status: FileStatus;
  /** Of its mount, as mountinfo has it. */
  readonly mount: number;
  /** The lines of its ACL that decided, where it has one. */
  readonly acl?: Buffer | undefined;
}

/** How far a walk came. */
export interface Walk {
  /** The file itself; absent where it is not there, or not reached. */
  readonly final?: Place;
  /** The directory that the last name is in. */
  readonly parent?: Place;
  /** Directories on the way that the thread may not search. */
  readonly denied?: Place;
  /** The name that is not there, and in which directory. */
  readonly missing?: { readonly path: string; readonly in: Place };
  /** A component that is no directory. */
  readonly notDirectory?: Place;
  readonly tooManyLinks?: boolean;
}

const mostLinks = 40;

const placeOf = (fd: number, path: string): Place => {
  const status = statFd(fd);
  const acl = (status.mode & S_IFMT) === S_IFLNK ? undefined : getXattr(fd, 'system.posix_acl_access');
  return { path, status, mount: mountIdOf(fd), ...(acl ? { acl } : {}) };
};

/** The place of a file that was just opened, or else it is closed again. */
function placeOfOpened(fd: number, path: string): Place {
  try {
    return placeOf(fd, path);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
}

/**
 * Walks a path, or looks at a descriptor's file where there is none. No more than three descriptors are open at a time.
 * @param look shown the file at the end, or else the directory that its name would be in, while that is open (O_PATH)
 */
export function walk(thread: TracedThread, at: 'cwd' | `fd/${number}`, path: string | undefined, follow: boolean, look?: (fd: number) => void): Walk {
  const root = thread.openPlace('root');
  const start = thread.openPlace(path?.startsWith('/') ? 'root' : at);
  if (root < 0 || start < 0) {
    for (const fd of [root, start]) if (fd >= 0) closeFd(fd);
    return {};
  }
  const held = { root, fd: start };
  try {
    const way = new Way(thread, held, path?.startsWith('/') ? '' : placeName(thread, at));
    const walked = path === undefined || path === '' ? { final: way.place } : walkFrom(way, path, follow);
    look?.(held.fd);
    return walked;
  } finally {
    closeFd(held.fd);
    closeFd(held.root);
  }
}

const placeName = (thread: TracedThread, at: string): string => tryLink(`/proc/${thread.tid}/${at}`)?.replace(/\/$/, '') ?? '';

/** Where a walk stands. */
class Way {
  readonly thread: TracedThread;
  readonly #held: { readonly root: number; fd: number };
  readonly #root: Place;
  /** As the thread would write it; empty for its root. */
  name: string;
  place: Place;

  /** @param held the root, and the file that it stands at, which is closed when it is left */
  constructor(thread: TracedThread, held: { readonly root: number; fd: number }, name: string) {
    this.thread = thread;
    this.#held = held;
    this.#root = placeOf(held.root, '/');
    this.name = name;
    this.place = placeOf(held.fd, name || '/');
  }

  get fd(): number {
    return this.#held.fd;
  }

  /** Goes to an open file. */
  moveTo(fd: number, name: string, place: Place): void {
    closeFd(this.#held.fd);
    this.#held.fd = fd;
    this.name = name;
    this.place = place;
  }

  toRoot(): void {
    const fd = tryOpenAt(this.#held.root, '.', openFlags.O_PATH);
    if (fd >= 0) this.moveTo(fd, '', this.#root);
  }

  up(): void {
    // A bind mount of the root shows the same directory, but there is a way up from it.
    if (this.place.status.identity === this.#root.status.identity && this.place.mount === this.#root.mount) return;
    const fd = tryOpenAt(this.fd, '..', openFlags.O_PATH);
    if (fd < 0) return;
    const name = this.name.slice(0, this.name.lastIndexOf('/'));
    this.moveTo(fd, name, placeOfOpened(fd, name || '/'));
  }
}

const componentsOf = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.');

function walkFrom(way: Way, path: string, follow: boolean): Walk {
  const { thread } = way;
  const ahead = componentsOf(path);
  const needsDirectory = path.endsWith('/');
  let parent: Place | undefined;
  for (let links = 0; ahead.length > 0;) {
    if (!isDirectory(way.place.status)) return { notDirectory: way.place, ...(parent ? { parent } : {}) };
    if (isDenied(thread, way.place, X)) return { denied: way.place, ...(parent ? { parent } : {}) };
    const component = ahead.shift()!;
    const last = ahead.length === 0;
    if (component === '..') {
      way.up();
      continue;
    }
    parent = way.place;
    const name = `${way.name}/${component}`;
    const below = tryOpenAt(way.fd, toBytes(ownName(thread, way.place, component)), openFlags.O_PATH);
    if (below === -errno.ENOENT) return { missing: { path: name, in: parent }, parent };
    if (below < 0) return { parent };
    const found = placeOfOpened(below, name);
    const target = (found.status.mode & S_IFMT) === S_IFLNK && (!last || follow || needsDirectory) ? linkTarget(below) : undefined;
    if (target === undefined) {
      way.moveTo(below, name, found);
      continue;
    }
    closeFd(below);
    if (++links > mostLinks) return { tooManyLinks: true, parent };
    ahead.unshift(...componentsOf(target));
    if (target.startsWith('/')) way.toRoot();
  }
  return { final: way.place, ...(parent ? { parent } : {}) };
}

/** The text of a symbolic link; undefined for what is none by name (some links of /proc/PID/fd and /proc/PID/ns lead by themselves). */
function linkTarget(link: number): string | undefined {
  const target = toText(readLinkAt(link, ''));
  return /^(pipe|socket|anon_inode|net|mnt|user|pid):/.test(target) ? undefined : target;
}

/** What leads the thread to itself in /proc leads us to ourselves, so its own name is taken. */
function ownName(thread: TracedThread, directory: Place, component: string): string {
  if ((component !== 'self' && component !== 'thread-self') || !isProc(thread, directory)) return component;
  return component === 'self' ? thread.ownPid : `${thread.ownPid}/task/${thread.ownTid}`;
}

const isProc = (thread: TracedThread, place: Place): boolean => thread.mounts.find((mount) => mount.id === place.mount)?.type === 'proc';

/** Whether permission bits, or an ACL, keep the thread from a use; capabilities are counted in. */
export function isDenied(thread: TracedThread, place: Place, wanted: number): boolean {
  if (wanted === 0) return false;
  return (wanted & ~grantedBits(thread, place).bits) !== 0 && !overrides(thread, place, wanted);
}

/** Which capability would let a thread past the bits. */
export const overridingCapability = (place: Place, wanted: number): 'CAP_DAC_READ_SEARCH' | 'CAP_DAC_OVERRIDE' =>
  wanted === R || (isDirectory(place.status) && (wanted & W) === 0) ? 'CAP_DAC_READ_SEARCH' : 'CAP_DAC_OVERRIDE';

/** capable_wrt_inode_uidgid(): only over files whose ids the namespace knows; and to execute, somebody must be able to. */
function overrides(thread: TracedThread, place: Place, wanted: number): boolean {
  const { effective } = thread.credentials;
  const has = (name: string): boolean => ((effective >> BigInt(capabilityNumber(name) ?? 0)) & 1n) === 1n;
  const { uid, gid, mode } = place.status;
  if (!thread.knowsIds(uid, gid)) return false;
  const executable = isDirectory(place.status) || (mode & 0o111) !== 0;
  if (has('CAP_DAC_OVERRIDE') && ((wanted & X) === 0 || executable)) return true;
  return has('CAP_DAC_READ_SEARCH') && (wanted === R || (isDirectory(place.status) && (wanted & W) === 0));
}

/** The bits that a thread has of a file, and in which role. */
export function grantedBits(thread: TracedThread, { status, acl }: Place): { readonly bits: number; readonly as: 'owner' | 'group' | 'other' | 'acl' } {
  const { uid, gid, groups } = thread.credentials;
  const inGroup = (id: number): boolean => id === gid || groups.includes(id);
  if (status.uid === uid) return { bits: (status.mode >> 6) & 7, as: 'owner' };
  if (acl) return { bits: aclBits(acl, { uid, inGroup, group: status.gid }), as: 'acl' };
  if (inGroup(status.gid)) return { bits: (status.mode >> 3) & 7, as: 'group' };
  return { bits: status.mode & 7, as: 'other' };
}

/** posix_acl_xattr_entry: tag (u16), permissions (u16), id (u32), behind a version of four bytes. See acl(5), "ACCESS CHECK ALGORITHM". */
function aclBits(acl: Buffer, who: { readonly uid: number; readonly group: number; readonly inGroup: (id: number) => boolean }): number {
  const tags = { user: 0x02, group_obj: 0x04, group: 0x08, mask: 0x10, other: 0x20 };
  const entries = Array.from({ length: Math.floor((acl.length - 4) / 8) }, (_, i) => ({
    tag: acl.readUInt16LE(4 + 8 * i),
    bits: acl.readUInt16LE(6 + 8 * i),
    id: acl.readUInt32LE(8 + 8 * i),
  }));
  const mask = entries.find((e) => e.tag === tags.mask)?.bits ?? 7;
  const user = entries.find((e) => e.tag === tags.user && e.id === who.uid);
  if (user) return user.bits & mask;
  const groups = entries.filter((e) => (e.tag === tags.group_obj && who.inGroup(who.group)) || (e.tag === tags.group && who.inGroup(e.id)));
  if (groups.length) return groups.reduce((all, e) => all | e.bits, 0) & mask;
  return entries.find((e) => e.tag === tags.other)?.bits ?? 0;
}
