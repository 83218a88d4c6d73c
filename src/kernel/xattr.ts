/**
 * Extended attributes of an open file, a descriptor opened with O_PATH included: the calls go through /proc/self/fd,
 * which leads to exactly that file, also where it is a symbolic link. Names are byte strings (see file-at.ts). See xattr(7).
 */
import { errno, KernelError } from './errno.ts';
import { rawSyscall } from './ffi.ts';
import { cString, procPath, type ByteString } from './file-at.ts';
import { architecture, syscalls } from './syscalls.ts';

const nr = { set: syscalls.setxattr[architecture], get: syscalls.getxattr[architecture], list: syscalls.listxattr[architecture] };
const path = Buffer.alloc(64);
const attributeName = Buffer.alloc(256); // XATTR_NAME_MAX and a NUL
const value = Buffer.alloc(64 * 1024); // XATTR_LIST_MAX and XATTR_SIZE_MAX
const none: readonly ByteString[] = [];

/** Sets an extended attribute; returns 0 or a negative errno. */
export function trySetXattr(fd: number, name: ByteString, bytes: Uint8Array): number {
  return rawSyscall(nr.set, cString(path, procPath(fd)), cString(attributeName, name), bytes.length ? bytes : value, bytes.length, 0);
}

/** The names of the extended attributes, sorted; empty where the file system has none. @throws KernelError */
export function listXattrs(fd: number): readonly ByteString[] {
  const length = rawSyscall(nr.list, cString(path, procPath(fd)), value, value.length);
  if (length === 0 || length === -errno.EOPNOTSUPP) return none;
  if (length < 0) throw new KernelError('listxattr', -length);
  return value
    .toString('latin1', 0, length - 1)
    .split('\0')
    .sort();
}

/** The value of an extended attribute; undefined where the file has none of the name. @throws KernelError */
export function getXattr(fd: number, name: ByteString): Buffer | undefined {
  const length = rawSyscall(nr.get, cString(path, procPath(fd)), cString(attributeName, name), value, value.length);
  if (length === -errno.ENODATA || length === -errno.EOPNOTSUPP) return undefined;
  if (length < 0) throw new KernelError(`getxattr "${name}"`, -length);
  return Buffer.from(value.subarray(0, length));
}

/** OverlayFS's own attributes: they steer the mount, and so may never come from an archive nor go into one. */
export const isOverlayXattr = (name: ByteString): boolean => name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.');

/** Whether a directory of an overlay's layer hides all that lower layers have in it. */
export const isOpaque = (fd: number): boolean => getXattr(fd, 'trusted.overlay.opaque')?.toString('latin1') === 'y';
