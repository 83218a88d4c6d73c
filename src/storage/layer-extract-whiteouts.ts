/**
 * The removals in a layer: as OverlayFS marks them, or done at once. They speak of the layers below only, wherever in the
 * archive they stand: what the same layer adds stays. See OCI image-spec, layer, "Whiteouts"; Documentation/filesystems/overlayfs.rst.
 */
import { errno, KernelError } from '../kernel/errno.ts';
import { closeFd, isDirectory, readDirectory, S_IFCHR, statAt, toText, tryMakeNodeAt, tryOpenAt, type ByteString } from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { trySetOpaque } from '../kernel/xattr.ts';
import type { Directories } from './layer-extract-directories.ts';
import { parentOf } from './layer-extract-path.ts';

export class LayerContents {
  private readonly directories: Directories;
  private readonly mode: 'overlay' | 'apply' | 'none';
  private readonly added = new Set<ByteString>(); // by this layer, and the directories above; needed to apply only

  constructor(directories: Directories, mode: 'overlay' | 'apply' | 'none') {
    this.directories = directories;
    this.mode = mode;
  }

  /** Notes that the layer has a file at a path. */
  add(path: ByteString): void {
    if (this.mode !== 'apply') return;
    for (let p = path; p !== '' && !this.added.has(p); p = parentOf(p)) this.added.add(p);
  }

  /** Nothing that the layers below have in the directory shows. */
  makeOpaque(path: ByteString): void {
    if (this.mode === 'overlay') return this.markOpaque(path);
    const directory = this.directories.find(path);
    if (directory) this.removeOthers(path);
  }

  /** The layers below do not show `name` in the directory. */
  remove(parentPath: ByteString, name: ByteString): void {
    const path = parentPath === '' ? name : `${parentPath}/${name}`;
    if (this.mode === 'apply') return this.removeBelow(parentPath, name, path);
    const { fd } = this.directories.get(parentPath);
    const returned = tryMakeNodeAt(fd, name, S_IFCHR, 0, 0);
    if (returned === 0) return;
    if (returned !== -errno.EEXIST) throw new KernelError(`make the whiteout of "${toText(path)}" (mknod)`, -returned);
    // This layer has something of that name already. A file hides what is below it anyway.
    const existing = statAt(fd, name);
    if (existing && isDirectory(existing)) this.markOpaque(path);
  }

  private markOpaque(path: ByteString): void {
    const returned = trySetOpaque(this.directories.get(path).fd);
    if (returned < 0) throw new KernelError(`mark the directory "${toText(path)}" opaque (setxattr overlay.opaque)`, -returned);
  }

  private removeBelow(parentPath: ByteString, name: ByteString, path: ByteString): void {
    const parent = this.directories.find(parentPath);
    if (!parent) return;
    if (!this.added.has(path)) return this.directories.removeFrom(parent, name);
    const existing = statAt(parent.fd, name);
    if (existing && isDirectory(existing)) this.removeOthers(path);
  }

  /** Removes what is in a directory but not of this layer. */
  private removeOthers(path: ByteString): void {
    const names = this.namesIn(path);
    for (const name of names) this.removeBelow(path, name, path === '' ? name : `${path}/${name}`);
  }

  private namesIn(path: ByteString): ByteString[] {
    // Opened anew, since a directory is read from where its descriptor stands
    const fd = tryOpenAt(this.directories.get(path).fd, '.', openFlags.O_DIRECTORY);
    if (fd < 0) throw new KernelError(`open directory "${toText(path)}"`, -fd);
    try {
      return readDirectory(fd).map((entry) => entry.name);
    } finally {
      closeFd(fd);
    }
  }
}
