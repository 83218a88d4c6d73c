/**
 * Extended attributes of an open file, a descriptor opened with O_PATH included: the calls go through /proc/self/fd,
 * which leads to exactly that file, also where it is a symbolic link. Names are byte strings (see file-at.ts). See xattr(7).
 */
import { errno, KernelError } from './errno.ts';
import { rawSyscall } from './ffi.ts';
import { closeFd, cString, isWhiteoutDevice, procPath, S_IFMT, S_IFREG, tryOpenAt, type ByteString, type FileStatus } from './file-at.ts';
import { openFlags } from './flags.ts';
import { inFirstUserNamespace } from './user-namespace.ts';

const path = Buffer.alloc(64);
const attributeName = Buffer.alloc(256); // XATTR_NAME_MAX and a NUL
const value = Buffer.alloc(64 * 1024); // XATTR_LIST_MAX and XATTR_SIZE_MAX
const none: readonly ByteString[] = [];

/** Sets an extended attribute; returns 0 or a negative errno. */
export function trySetXattr(fd: number, name: ByteString, bytes: Uint8Array): number {
  return rawSyscall('setxattr', cString(path, procPath(fd)), cString(attributeName, name), bytes.length ? bytes : value, bytes.length, 0);
}

/** The names of the extended attributes, sorted; empty where the file system has none. @throws KernelError */
export function listXattrs(fd: number): readonly ByteString[] {
  const length = rawSyscall('listxattr', cString(path, procPath(fd)), value, value.length);
  if (length === 0 || length === -errno.EOPNOTSUPP) return none;
  if (length < 0) throw new KernelError('listxattr', -length);
  return value
    .toString('latin1', 0, length - 1)
    .split('\0')
    .sort();
}

/** The value of an extended attribute; undefined where the file has none of the name. @throws KernelError */
export function getXattr(fd: number, name: ByteString): Buffer | undefined {
  const length = rawSyscall('getxattr', cString(path, procPath(fd)), cString(attributeName, name), value, value.length);
  if (length === -errno.ENODATA || length === -errno.EOPNOTSUPP) return undefined;
  if (length < 0) throw new KernelError(`getxattr "${name}"`, -length);
  return Buffer.from(value.subarray(0, length));
}

/** OverlayFS's own attributes: they steer the mount, and so may never come from an archive nor go into one. */
export const isOverlayXattr = (name: ByteString): boolean => name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.');

/** Where OverlayFS keeps its attributes: `trusted.`, or with the mount option userxattr `user.`, which needs no privilege. */
export type OverlayFamily = 'trusted' | 'user';

/** That of the overlays that this process mounts: root of a user namespace may write no attribute `trusted.`. */
export const ownFamily = (): OverlayFamily => (inFirstUserNamespace() ? 'trusted' : 'user');

/** Marks a directory of a layer as opaque; returns 0 or a negative errno. */
export const trySetOpaque = (fd: number): number => trySetXattr(fd, `${ownFamily()}.overlay.opaque`, Buffer.from('y'));

/** One of OverlayFS's own attributes of a file in a layer: `opaque`, `redirect`, `metacopy`, `origin`, `whiteout`. @throws KernelError */
export const getOverlayXattr = (fd: number, name: string, family: OverlayFamily = ownFamily()): Buffer | undefined => getXattr(fd, `${family}.overlay.${name}`);

/** Whether a directory of an overlay's layer hides all that lower layers have in it. */
export const isOpaque = (fd: number, family: OverlayFamily = ownFamily()): boolean => getOverlayXattr(fd, 'opaque', family)?.toString('latin1') === 'y';

/**
 * Whether a file of an overlay's layer is a whiteout: the device 0:0, or, from Linux 6.7, an empty file with the attribute `whiteout`,
 * as a layer has it that was itself written through an overlay. What the directory's attribute says (`opaque` is then `x`) only
 * spares the kernel's listings the question; its lookups do not ask for it. See overlayfs.rst, "Nesting overlayfs mounts".
 */
export const isWhiteout = (fd: number, status: FileStatus, family: OverlayFamily = ownFamily()): boolean =>
  isWhiteoutDevice(status) || (mayBeWhiteoutFile(status) && getOverlayXattr(fd, 'whiteout', family) !== undefined);

/** {@link isWhiteout} of a name in a directory. */
export function isWhiteoutAt(directory: number, name: ByteString, status: FileStatus, family: OverlayFamily = ownFamily()): boolean {
  if (!mayBeWhiteoutFile(status)) return isWhiteoutDevice(status);
  const fd = tryOpenAt(directory, name, openFlags.O_PATH);
  if (fd < 0) return false; // gone meanwhile
  try {
    return isWhiteout(fd, status, family);
  } finally {
    closeFd(fd);
  }
}

const mayBeWhiteoutFile = ({ mode, size }: FileStatus): boolean => (mode & S_IFMT) === S_IFREG && size === 0;
