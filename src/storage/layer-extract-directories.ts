/**
 * The directories of an extraction: opens parents by descriptor and keeps the last used ones open, makes those that an
 * archive forgot, and sets every directory's owner, mode, attributes and time at the end, when nothing in it changes any more.
 *
 * A parent that is a symbolic link is followed as a process inside the tree would follow it (RESOLVE_IN_ROOT), so
 * whatever an archive or a running container does with links, no descriptor leads out of the tree.
 */
import { errno, KernelError } from '../kernel/errno.ts';
import {
  closeFd,
  isDirectory,
  removeAt,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  statAt,
  statFd,
  toText,
  tryMakeDirectoryAt,
  tryOpenAt,
  tryOpenInRoot,
  type ByteString,
} from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { getXattr } from '../kernel/xattr.ts';
import { invalid } from './error.ts';
import { readAttributes, setAttributes, type Attributes, type Warn } from './layer-extract-attributes.ts';
import type { LayerStack } from './layer-lookup.ts';
import { quotePath } from './tar/error.ts';

/** An open directory. */
export interface Directory {
  readonly fd: number;
  /** What is made in it gets the creator's ids and the mode asked for: it is not setgid and has no default ACL. */
  readonly plain: boolean;
}

/** How many directories stay open. A Debian layer's entries come directory by directory; few are needed. */
const capacity = 128;
const O_DIRECTORY = openFlags.O_DIRECTORY;

export class Directories {
  private readonly root: Directory;
  private readonly linkRoot: { readonly fd: number; readonly path: ByteString };
  private readonly lower: LayerStack | undefined;
  private readonly warn: Warn;
  private readonly open = new Map<ByteString, Directory>(); // in order of last use
  private readonly attributes = new Map<ByteString, { identity: string; attributes: Attributes }>();
  private lastPath: ByteString = '';
  private last: Directory;

  /**
   * @param root the tree's own directory, open for reading; stays the caller's
   * @param linkRoot where links end: an open directory, and the tree's path in it
   */
  constructor(root: number, linkRoot: { readonly fd: number; readonly path: ByteString }, lower: LayerStack | undefined, warn: Warn) {
    this.root = { fd: root, plain: isPlain(root) };
    this.last = this.root;
    this.linkRoot = linkRoot;
    this.lower = lower;
    this.warn = warn;
  }

  /** The directory at a path (components joined by `/`, none for the root), made with its parents where it is missing. */
  get(path: ByteString): Directory {
    if (path === this.lastPath) return this.last;
    const directory = path === '' ? this.root : (this.open.get(path) ?? this.openPath(path, true)!);
    if (path !== '') this.keep(path, directory);
    this.lastPath = path;
    return (this.last = directory);
  }

  /** Like {@link get}, but undefined where the directory is missing. */
  find(path: ByteString): Directory | undefined {
    if (path === '') return this.root;
    const directory = this.open.get(path) ?? this.openPath(path, false);
    if (directory) this.keep(path, directory);
    return directory;
  }

  /** Notes what a directory shall be in the end; a later word replaces an earlier one. */
  setLater(path: ByteString, attributes: Attributes): void {
    this.attributes.set(path, { identity: statFd(this.get(path).fd).identity, attributes });
  }

  /** Removes a name with all below it, links not followed. Directories got earlier are closed if need be: get them anew. */
  removeFrom(directory: Directory, name: ByteString): void {
    const existing = statAt(directory.fd, name);
    if (!existing) return;
    removeAt(directory.fd, name);
    // Paths through it may mean others now.
    const type = existing.mode & S_IFMT;
    if (type === S_IFDIR || type === S_IFLNK) this.forget();
  }

  /** Closes the open directories. */
  forget(): void {
    for (const { fd } of this.open.values()) closeFd(fd);
    this.open.clear();
    this.useRoot();
  }

  private useRoot(): void {
    this.lastPath = '';
    this.last = this.root;
  }

  /** Sets what {@link setLater} noted. */
  finish(): void {
    for (const [path, { identity, attributes }] of this.attributes) {
      this.trim();
      const directory = this.find(path);
      // Gone, or replaced since by something that the words were not about
      if (!directory || statFd(directory.fd).identity !== identity) continue;
      setAttributes(directory.fd, attributes, path, this.warn);
    }
    this.attributes.clear();
  }

  /** Closes the directories that were used least, down to a bound. Those got earlier must be got anew. */
  trim(): void {
    for (const [oldest, directory] of this.open) {
      if (this.open.size <= capacity) return;
      this.open.delete(oldest);
      closeFd(directory.fd);
      if (directory === this.last) this.useRoot();
    }
  }

  private keep(path: ByteString, directory: Directory): void {
    this.open.delete(path);
    this.open.set(path, directory);
  }

  private openPath(path: ByteString, make: boolean): Directory | undefined {
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    const parentPath = slash < 0 ? '' : path.slice(0, slash);
    const parent = make ? this.get(parentPath) : this.find(parentPath);
    if (!parent) return undefined;
    let fd = tryOpenAt(parent.fd, name, O_DIRECTORY);
    if (fd === -errno.ENOENT && make) {
      fd = this.make(parent, path, name);
      if (fd >= 0) {
        this.setLater(path, this.impliedAttributes(path));
        return this.open.get(path);
      }
      if (fd === -errno.EEXIST) fd = -errno.ENOENT; // it could not be opened, but is there: a link that leads nowhere
    }
    // A link in the place of a directory
    if (fd === -errno.ENOTDIR || fd === -errno.ELOOP) fd = tryOpenInRoot(this.linkRoot.fd, `${this.linkRoot.path}/${path}`, O_DIRECTORY);
    if (fd >= 0) return { fd, plain: isPlain(fd) };
    if (!make && (fd === -errno.ENOENT || fd === -errno.ENOTDIR)) return undefined;
    if (fd === -errno.ENOENT) throw invalid(`${quotePath(path)} cannot hold files: it is a symbolic link to a directory that does not exist`);
    if (fd === -errno.ENOTDIR || fd === -errno.ELOOP) throw invalid(`${quotePath(path)} cannot hold files: it is no directory`);
    throw new KernelError(`open directory "${toText(path)}"`, -fd);
  }

  /**
   * Makes the directory `name` of `parent`, whose whole path is `path`. Its mode and all else come with {@link setLater}, at the end,
   * so that nothing made in it inherits from it. Returns its descriptor, which stays ours, or a negative errno.
   */
  make(parent: Directory, path: ByteString, name: ByteString): number {
    const value = tryMakeDirectoryAt(parent.fd, name, 0o700);
    if (value < 0) return value;
    const fd = tryOpenAt(parent.fd, name, O_DIRECTORY);
    if (fd >= 0) this.keep(path, { fd, plain: parent.plain });
    return fd;
  }

  /** What a directory gets that an archive needs but does not have: as in the layers below, else root's with mode 0755. */
  private impliedAttributes(path: ByteString): Attributes {
    const below = this.lower?.find(path, ({ fd, status }) => (isDirectory(status) ? readAttributes(fd, status) : undefined));
    return below ?? { mode: 0o755, uid: 0, gid: 0, mtime: undefined, xattrs: [] };
  }
}

/** Whether files made in a directory inherit nothing from it: no group (setgid, or a mount with `grpid`) and no ACL. */
function isPlain(fd: number): boolean {
  const { mode, gid } = statFd(fd);
  return (mode & 0o2000) === 0 && gid === process.getegid!() && getXattr(fd, 'system.posix_acl_default') === undefined;
}
