/**
 * Files by handle, as NFS servers name them: OverlayFS notes of each file that it copies up which one it was. A handle leads to a file
 * wherever it is in its file system by now. See open_by_handle_at(2); `struct ovl_fb` in fs/overlayfs/overlayfs.h.
 */
import { rawSyscall } from './ffi.ts';
import { openFlags } from './flags.ts';

/** What precedes the handle in the attribute `origin`: version, magic, length, flags, type, and the UUID of the file system. */
const headerBytes = 21;
const OVL_FH_MAGIC = 0xfb;

/**
 * Opens the file (O_PATH) that an overlay's attribute `origin` tells of.
 * @param fd of a file or directory of the file system that it is in, not opened with O_PATH
 * @returns the descriptor, or a negative errno: EPERM without CAP_DAC_READ_SEARCH, ESTALE where the file is no more, or in another
 *   file system; undefined where the attribute tells of none
 */
export function openOrigin(fd: number, origin: Uint8Array): number | undefined {
  if (origin.length <= headerBytes || origin[1] !== OVL_FH_MAGIC) return undefined;
  const identifier = origin.subarray(headerBytes);
  // struct file_handle: handle_bytes, handle_type, then the identifier
  const handle = new Uint8Array(8 + identifier.length);
  const view = new DataView(handle.buffer);
  view.setUint32(0, identifier.length, true);
  view.setInt32(4, origin[4]!, true);
  handle.set(identifier, 8);
  return rawSyscall('open_by_handle_at', fd, handle, openFlags.O_PATH | openFlags.O_CLOEXEC);
}
