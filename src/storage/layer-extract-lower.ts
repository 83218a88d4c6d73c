/** Copies a file of a lower layer up, where an archive has a hard link to a file that it does not itself hold. */
import { closeSync, openSync, readSync } from 'node:fs';
import { KernelError } from '../kernel/errno.ts';
import { closeFd, openAt, procPath, readLinkAt, S_IFLNK, S_IFMT, S_IFREG, toText, trySymlinkAt, writeFully, type ByteString } from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { readAttributes, setAttributes, setNodeAttributes, type Warn } from './layer-extract-attributes.ts';
import type { Directories } from './layer-extract-directories.ts';
import { nameOf, parentOf } from './layer-extract-path.ts';
import type { Found, LayerStack } from './layer-lookup.ts';

/** Copies the file that the lower layers show at `path` to the same path of the tree. Returns whether there is such a file or link. */
export function copyUp(lower: LayerStack, path: ByteString, directories: Directories, warn: Warn): boolean {
  return (
    lower.find(path, (found) => {
      const type = found.status.mode & S_IFMT;
      if (type !== S_IFREG && type !== S_IFLNK) return false;
      const { fd: dirfd } = directories.get(parentOf(path));
      const attributes = readAttributes(found.fd, found.status);
      if (type === S_IFREG) {
        const fd = openAt(dirfd, nameOf(path), openFlags.O_WRONLY | openFlags.O_CREAT | openFlags.O_EXCL, 0o600);
        try {
          copyContent(found, fd, path);
          setAttributes(fd, attributes, path, warn);
        } finally {
          closeFd(fd);
        }
        return true;
      }
      const returned = trySymlinkAt(readLinkAt(found.fd, ''), dirfd, nameOf(path));
      if (returned < 0) throw new KernelError(`symlink "${toText(path)}"`, -returned);
      setNodeAttributes(dirfd, nameOf(path), attributes, path, warn);
      return true;
    }) ?? false
  );
}

function copyContent(found: Found, to: number, path: ByteString): void {
  const from = openSync(procPath(found.fd), 'r');
  try {
    const buffer = Buffer.allocUnsafe(1 << 18);
    for (let length; (length = readSync(from, buffer)) > 0;) writeFully(to, buffer.subarray(0, length), null, path);
  } finally {
    closeSync(from);
  }
}
