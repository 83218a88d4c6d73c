/**
 * File system calls relative to a directory's descriptor: what works on hostile trees uses these, since a name
 * with one component, below a descriptor and without following links, cannot lead anywhere else.
 *
 * Names are *byte strings*: each character is one byte (latin1), so that a name which is not UTF-8 survives.
 * `toBytes` and `toText` convert. A failed call throws a {@link KernelError} with the readable name.
 * See openat(2), openat2(2), statx(2), getdents(2); extended attributes are in xattr.ts.
 */
import { readFileSync } from 'node:fs';
import { AT_FDCWD, atFlags, openFlags, resolveFlags } from './flags.ts';
import { errno, KernelError } from './errno.ts';
import { rawSyscall, type RawArg } from './ffi.ts';

/** Bytes as a string of characters 0–255 (latin1), without NUL where it is a name. */
export type ByteString = string;

/** The readable form of a byte string, for messages and JSON: UTF-8, with U+FFFD where it is not. */
export const toText = (bytes: ByteString): string => (isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8'));

/** The byte string of ordinary text (its UTF-8 bytes). */
export const toBytes = (text: string): ByteString => (isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1'));

/** Only ASCII has as many bytes in UTF-8 as characters. */
const isAscii = (s: string): boolean => Buffer.byteLength(s) === s.length;

/** The longest path that the kernel takes, its NUL included (PATH_MAX). */
export const PATH_MAX = 4096;

// Names are written into these for the call; the kernel has copied them when it returns.
const firstName = Buffer.alloc(PATH_MAX * 2);
const secondName = Buffer.alloc(PATH_MAX * 2);

/** Writes a name with its NUL into a buffer that a call is given. @throws KernelError ENAMETOOLONG when it does not fit */
export function cString(into: Buffer, name: ByteString): Buffer {
  const length = into.write(name, 0, 'latin1');
  if (length !== name.length || length >= into.length) throw new KernelError(`use of the name "${toText(name.slice(0, 60))}…"`, errno.ENAMETOOLONG);
  into[length] = 0;
  return into;
}

const AT_NOFOLLOW = atFlags.AT_SYMLINK_NOFOLLOW;
const how = new BigUint64Array(3);
const howBytes = new Uint8Array(how.buffer);

/** Throws what a call returned when that is an error. */
function checked(value: number, call: string, name: ByteString): number {
  if (value < 0) throw new KernelError(`${call} "${toText(name)}"`, -value);
  return value;
}

/** Opens one name; O_NOFOLLOW and O_CLOEXEC are always set. Returns the descriptor, or a negative errno. */
export function tryOpenAt(dirfd: number, name: ByteString, flags: number, mode = 0): number {
  return rawSyscall('openat', dirfd, cString(firstName, name), flags | openFlags.O_NOFOLLOW | openFlags.O_CLOEXEC, mode);
}

/** Opens one name; O_NOFOLLOW and O_CLOEXEC are always set. @throws KernelError */
export function openAt(dirfd: number, name: ByteString, flags: number, mode = 0): number {
  return checked(tryOpenAt(dirfd, name, flags, mode), 'open', name);
}

/**
 * Opens a path as a process whose root is `rootfd` would (openat2 with RESOLVE_IN_ROOT): symbolic links are followed, absolute ones
 * and `..` end at that root, whatever is swapped meanwhile. A path of no components means the root itself.
 * @param flags open(2); O_NOFOLLOW leaves a final link unfollowed; O_CLOEXEC is always set
 * @returns the descriptor, or a negative errno
 */
export function tryOpenInRoot(rootfd: number, path: ByteString, flags: number): number {
  return tryOpenAt2(rootfd, path, flags, resolveFlags.RESOLVE_IN_ROOT);
}

/**
 * Opens a path beneath `dirfd` that may have no symbolic link in any component and no way up.
 * @returns the descriptor, or a negative errno (ELOOP where a component is a link)
 */
export function tryOpenBeneath(dirfd: number, path: ByteString, flags: number): number {
  return tryOpenAt2(dirfd, path, flags, resolveFlags.RESOLVE_BENEATH | resolveFlags.RESOLVE_NO_SYMLINKS);
}

function tryOpenAt2(dirfd: number, path: ByteString, flags: number, resolve: number): number {
  how[0] = BigInt(flags | openFlags.O_CLOEXEC);
  how[1] = 0n;
  how[2] = BigInt(resolve | resolveFlags.RESOLVE_NO_MAGICLINKS);
  // EAGAIN: somebody renames in the tree while the kernel walks it, and it could not prove that it stayed inside.
  for (let tries = 0; ; tries++) {
    const fd = rawSyscall('openat2', dirfd, cString(firstName, path === '' ? '.' : path), howBytes, howBytes.length);
    if (fd !== -errno.EAGAIN || tries >= 100) return fd;
  }
}

/** Closes a descriptor. */
export function closeFd(fd: number): void {
  rawSyscall('close', fd);
}

/** What a file is. */
export interface FileNode {
  /** The type bits of st_mode (S_IFMT) and the permissions: see {@link S_IFMT}. */
  readonly mode: number;
  /** Of a device node. */
  readonly major: number;
  readonly minor: number;
}

/** What statx(2) says of a file; the fields that are used here. */
export interface FileStatus extends FileNode {
  readonly uid: number;
  readonly gid: number;
  readonly nlink: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes that it takes on the disk: less than `size` where it has holes, 0 where all of it is inline. */
  readonly allocated: number;
  /** When the inode was made, in seconds since 1970; undefined where the file system does not know. */
  readonly born: number | undefined;
  /** Modification time: whole seconds since 1970 (may be negative) and nanoseconds. */
  readonly mtime: number;
  readonly mtimeNsec: number;
  /** STATX_ATTR_ bits that the file system knows: {@link fileAttributes}. */
  readonly attributes: number;
  /** Identity: device and inode number, `8:1/1234`. Meaningful while the file exists. */
  readonly identity: string;
}

/** File types in `mode`, inode(7). */
export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

const status = Buffer.alloc(256);
const STATX_BASIC_STATS = 0x7ff;
const STATX_BTIME = 0x800;
const wanted = STATX_BASIC_STATS | STATX_BTIME;
const empty = Buffer.alloc(1);

/** Bits of `attributes`, statx(2). */
export const fileAttributes = { STATX_ATTR_IMMUTABLE: 0x10, STATX_ATTR_APPEND: 0x20, STATX_ATTR_MOUNT_ROOT: 0x2000 } as const;

/** Whether the file is the device that stands for a whiteout: a character device 0:0. The other kind is told by isWhiteout in xattr.ts. */
export const isWhiteoutDevice = (s: FileStatus): boolean => (s.mode & S_IFMT) === S_IFCHR && s.major === 0 && s.minor === 0;
export const isDirectory = (s: FileStatus): boolean => (s.mode & S_IFMT) === S_IFDIR;

/** The status of one name, a final link not followed; undefined where there is none. @throws KernelError on any other failure */
export function statAt(dirfd: number, name: ByteString): FileStatus | undefined {
  const value = rawSyscall('statx', dirfd, cString(firstName, name), AT_NOFOLLOW, wanted, status);
  if (value === -errno.ENOENT || value === -errno.ENOTDIR) return undefined;
  checked(value, 'stat', name);
  return parseStatus();
}

/** The status of an open file (O_PATH is enough). @throws KernelError */
export function statFd(fd: number): FileStatus {
  checked(rawSyscall('statx', fd, empty, atFlags.AT_EMPTY_PATH, wanted, status), 'stat', `descriptor ${fd}`);
  return parseStatus();
}

/** What an open file (O_PATH is enough) is, and no more of its status. @throws KernelError */
export function nodeOf(fd: number): FileNode {
  checked(rawSyscall('statx', fd, empty, atFlags.AT_EMPTY_PATH, wanted, status), 'stat', `descriptor ${fd}`);
  return { mode: status.readUInt16LE(28), major: status.readUInt32LE(128), minor: status.readUInt32LE(132) };
}

/** The mount that an open file (O_PATH is enough) is on, as mountinfo counts; 0 when it cannot be told. See proc_pid_fdinfo(5). */
export const mountIdOf = (fd: number): number => Number(/^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? 0);

// struct statx: mask 0, nlink 16, uid 20, gid 24, mode 28, ino 32, size 40, blocks 48, btime 80 (8+4), mtime 112 (8+4), rdev 128/132, dev 136/140
function parseStatus(): FileStatus {
  return {
    attributes: status.readUInt32LE(8),
    nlink: status.readUInt32LE(16),
    uid: status.readUInt32LE(20),
    gid: status.readUInt32LE(24),
    mode: status.readUInt16LE(28),
    size: status.readUInt32LE(40) + status.readUInt32LE(44) * 2 ** 32,
    allocated: (status.readUInt32LE(48) + status.readUInt32LE(52) * 2 ** 32) * 512,
    born: status.readUInt32LE(0) & STATX_BTIME ? status.readUInt32LE(80) + status.readInt32LE(84) * 2 ** 32 : undefined,
    mtime: status.readUInt32LE(112) + status.readInt32LE(116) * 2 ** 32,
    mtimeNsec: status.readUInt32LE(120),
    major: status.readUInt32LE(128),
    minor: status.readUInt32LE(132),
    identity: `${status.readUInt32LE(136)}:${status.readUInt32LE(140)}/${status.readUInt32LE(32) + status.readUInt32LE(36) * 2 ** 32}`,
  };
}

/** Makes a directory; returns 0 or a negative errno. */
export function tryMakeDirectoryAt(dirfd: number, name: ByteString, mode: number): number {
  return rawSyscall('mkdirat', dirfd, cString(firstName, name), mode);
}

/** Makes a symbolic link; returns 0 or a negative errno. */
export function trySymlinkAt(target: ByteString, dirfd: number, name: ByteString): number {
  return rawSyscall('symlinkat', cString(secondName, target), dirfd, cString(firstName, name));
}

/** Makes a hard link; a source that is a symbolic link is linked itself, not followed. Returns 0 or a negative errno. */
export function tryLinkAt(fromfd: number, from: ByteString, dirfd: number, name: ByteString): number {
  return rawSyscall('linkat', fromfd, cString(secondName, from), dirfd, cString(firstName, name), 0);
}

/** Makes a device node or FIFO; returns 0 or a negative errno. @param mode type and permissions */
export function tryMakeNodeAt(dirfd: number, name: ByteString, mode: number, major: number, minor: number): number {
  const device = ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0; // include/linux/kdev_t.h, new_encode_dev
  return rawSyscall('mknodat', dirfd, cString(firstName, name), mode, device);
}

/** Removes a name; returns 0 or a negative errno. @param directory whether it is an (empty) directory */
function tryUnlinkAt(dirfd: number, name: ByteString, directory = false): number {
  return rawSyscall('unlinkat', dirfd, cString(firstName, name), directory ? atFlags.AT_REMOVEDIR : 0);
}

/** What a symbolic link says. @param name empty when `dirfd` is the link itself (opened with O_PATH) @throws KernelError */
export function readLinkAt(dirfd: number, name: ByteString): ByteString {
  const target = tryReadLinkAt(dirfd, name);
  if (target === undefined) throw new KernelError(`readlink "${toText(name)}"`, errno.EINVAL);
  return target;
}

/** What a symbolic link says, as {@link readLinkAt}; undefined for what is none. @throws KernelError on any other failure */
export function tryReadLinkAt(dirfd: number, name: ByteString): ByteString | undefined {
  const length = rawSyscall('readlinkat', dirfd, cString(firstName, name), secondName, PATH_MAX);
  // With an empty name what is no link is "not there", readlink(2).
  if (length === -errno.EINVAL || (name === '' && length === -errno.ENOENT)) return undefined;
  return secondName.toString('latin1', 0, checked(length, 'readlink', name));
}

/** A name in a directory, with its type where the file system tells (d_type: 4 directory, 8 regular, 10 link, 0 unknown). */
export interface DirectoryEntry {
  readonly name: ByteString;
  readonly type: number;
}

/**
 * The names in a directory, without `.` and `..`, sorted by bytes.
 * @param fd opened for reading and at its beginning @throws KernelError
 */
export function readDirectory(fd: number): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  const buffer = Buffer.allocUnsafe(32 * 1024);
  for (;;) {
    const length = checked(rawSyscall('getdents64', fd, buffer, buffer.length), 'getdents', `descriptor ${fd}`);
    if (length === 0) break;
    // struct linux_dirent64: ino 8, off 8, reclen 2, type 1, name
    for (let at = 0; at < length; at += buffer.readUInt16LE(at + 16)) {
      const name = buffer.toString('latin1', at + 19, buffer.indexOf(0, at + 19));
      if (name !== '.' && name !== '..') entries.push({ name, type: buffer[at + 18]! });
    }
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Removes whatever is at a name, a directory with all below it; links are removed, not followed. Nothing there is fine. @throws KernelError */
export function removeAt(dirfd: number, name: ByteString): void {
  let value = tryUnlinkAt(dirfd, name);
  if (value === -errno.EISDIR || value === -errno.EPERM) {
    const fd = tryOpenAt(dirfd, name, openFlags.O_DIRECTORY);
    if (fd < 0) {
      checked(fd === -errno.ENOTDIR ? value : fd, 'remove', name);
    }
    try {
      for (const entry of readDirectory(fd)) removeAt(fd, entry.name);
    } finally {
      closeFd(fd);
    }
    value = tryUnlinkAt(dirfd, name, true);
  }
  if (value !== -errno.ENOENT) checked(value, 'remove', name);
}

/** Sets the owner of an open file; returns 0 or a negative errno. */
export const tryChownFd = (fd: number, uid: number, gid: number): number => rawSyscall('fchown', fd, uid, gid);

/** Sets the owner of one name, links not followed; returns 0 or a negative errno. */
export function tryChownAt(dirfd: number, name: ByteString, uid: number, gid: number): number {
  return rawSyscall('fchownat', dirfd, cString(firstName, name), uid, gid, AT_NOFOLLOW);
}

/** Sets the permissions (07777) of a file open for reading or writing; returns 0 or a negative errno. */
export const tryChmodFd = (fd: number, mode: number): number => rawSyscall('fchmod', fd, mode);

/** Sets the permissions of the file behind a descriptor opened with O_PATH; returns 0 or a negative errno. */
export const tryChmodPathFd = (fd: number, mode: number): number => rawSyscall('fchmodat', AT_FDCWD, cString(firstName, procPath(fd)), mode);

/** The path of an open file through /proc: what takes no O_PATH descriptor takes this. */
export const procPath = (fd: number): string => `/proc/self/fd/${fd}`;

const times = Buffer.alloc(32);

/** Sets access and modification time of an open file (`name` null) or of one name, links not followed; returns 0 or a negative errno. */
export function trySetTimes(dirfd: number, name: ByteString | null, seconds: number, nsec: number): number {
  const high = Math.floor(seconds / 2 ** 32);
  for (const at of [0, 16]) {
    times.writeUInt32LE(seconds - high * 2 ** 32, at);
    times.writeInt32LE(high, at + 4);
    times.writeUInt32LE(nsec, at + 8);
  }
  const path: RawArg = name === null ? null : cString(firstName, name);
  return rawSyscall('utimensat', dirfd, path, times, name === null ? 0 : AT_NOFOLLOW);
}

/** Writes all of `bytes`, at `position` or (null) where the file stands. @param name for the error @throws KernelError */
export function writeFully(fd: number, bytes: Uint8Array, position: number | null, name: ByteString): void {
  for (let done = 0; done < bytes.length;) {
    const rest = done === 0 ? bytes : bytes.subarray(done);
    const written = position === null ? rawSyscall('write', fd, rest, rest.length) : rawSyscall('pwrite64', fd, rest, rest.length, position + done);
    if (written !== -errno.EINTR) done += checked(written, 'write', name);
  }
}

/** Sets the length of a file open for writing, in bytes. @throws KernelError */
export function truncateFd(fd: number, length: number, name: ByteString): void {
  checked(rawSyscall('ftruncate', fd, length), 'ftruncate', name);
}
