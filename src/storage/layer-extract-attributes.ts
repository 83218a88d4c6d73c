/** Owner, mode, extended attributes and time of a file that is extracted: the order of the calls decides what survives. */
import { errno, errnoMessage, errnoName, KernelError } from '../kernel/errno.ts';
import { openFlags } from '../kernel/flags.ts';
import {
  closeFd,
  openAt,
  S_IFLNK,
  S_IFMT,
  statFd,
  toText,
  tryChmodFd,
  tryChmodPathFd,
  tryChownAt,
  tryChownFd,
  trySetTimes,
  type ByteString,
  type FileStatus,
} from '../kernel/file-at.ts';
import { getXattr, isOverlayXattr, listXattrs, trySetXattr } from '../kernel/xattr.ts';
import type { TarTime } from './tar/entry.ts';

/** What a file gets. Modes have 12 bits (07777). A time that is undefined stays. */
export interface Attributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: TarTime | undefined;
  readonly xattrs: readonly (readonly [name: ByteString, value: Uint8Array])[];
}

/** Told, in a sentence, of what the file system could not keep. */
export type Warn = (sentence: string) => void;

/** Sets all attributes of a file that is open for reading or writing. @param path for messages @throws KernelError */
export function setAttributes(fd: number, a: Attributes, path: ByteString, warn: Warn): void {
  // chown(2) takes setuid, setgid and capabilities away, so it comes first; a change after utimensat(2) would not alter mtime.
  check(tryChownFd(fd, a.uid, a.gid), 'chown', path);
  if (a.xattrs.length) setXattrs(fd, a.xattrs, path, warn);
  check(tryChmodFd(fd, a.mode), 'chmod', path);
  if (a.mtime) check(trySetTimes(fd, null, a.mtime.seconds, a.mtime.nsec), 'utimensat', path);
}

/** Sets all attributes of what must not be opened (links, devices, FIFOs): a name in an open directory. @throws KernelError */
export function setNodeAttributes(dirfd: number, name: ByteString, a: Attributes, path: ByteString, warn: Warn): void {
  const fd = openAt(dirfd, name, openFlags.O_PATH);
  try {
    check(tryChownAt(dirfd, name, a.uid, a.gid), 'chown', path);
    if (a.xattrs.length) setXattrs(fd, a.xattrs, path, warn);
    if ((statFd(fd).mode & S_IFMT) !== S_IFLNK) check(tryChmodPathFd(fd, a.mode), 'chmod', path);
    if (a.mtime) check(trySetTimes(dirfd, name, a.mtime.seconds, a.mtime.nsec), 'utimensat', path);
  } finally {
    closeFd(fd);
  }
}

/** Sets extended attributes, but never OverlayFS's own: an image must not steer the mount of its layers. */
function setXattrs(fd: number, xattrs: Attributes['xattrs'], path: ByteString, warn: Warn): void {
  for (const [name, value] of xattrs) {
    if (isOverlayXattr(name)) continue;
    const returned = trySetXattr(fd, name, value);
    if (returned >= 0) continue;
    // Labels and ACLs of a machine that had them are no loss on a file system that has none. Capabilities are.
    const optional = name !== 'security.capability' && (returned === -errno.EOPNOTSUPP || returned === -errno.EPERM);
    if (!optional) throw new KernelError(`setxattr "${toText(name)}" of "${toText(path)}"`, -returned);
    warn(`the extended attribute ${toText(name)} of ${toText(path)} is left out: ${errnoMessage(-returned)} (${errnoName(-returned)})`);
  }
}

/** The attributes of an existing file. @param fd O_PATH is enough */
export function readAttributes(fd: number, status: FileStatus): Attributes {
  const xattrs = listXattrs(fd).filter((name) => !isOverlayXattr(name));
  return {
    mode: status.mode & 0o7777,
    uid: status.uid,
    gid: status.gid,
    mtime: { seconds: status.mtime, nsec: status.mtimeNsec },
    xattrs: xattrs.map((name) => [name, getXattr(fd, name) ?? Buffer.alloc(0)] as const),
  };
}

function check(returned: number, call: string, path: ByteString): void {
  if (returned < 0) throw new KernelError(`${call} "${toText(path)}"`, -returned);
}
