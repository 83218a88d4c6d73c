/**
 * Extracts a layer's tar into a directory, exactly (owners, modes, times, attributes, links, devices, holes) and safely:
 * every name is made relative to an open directory below the target, links on the way end at the target's root, and no
 * existing link is written through. Whiteouts become OverlayFS's, or are applied, or are ordinary files.
 *
 * Entries are applied as their bytes come, synchronously, so an extraction can run in a worker thread.
 */
import { errno, KernelError } from '../kernel/errno.ts';
import {
  closeFd,
  isDirectory,
  isWhiteoutDevice,
  S_IFBLK,
  S_IFCHR,
  S_IFIFO,
  statAt,
  toText,
  tryChmodFd,
  tryLinkAt,
  tryMakeNodeAt,
  tryOpenAt,
  trySetTimes,
  trySymlinkAt,
  truncateFd,
  writeFully,
  type ByteString,
} from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { trySetOpaque } from '../kernel/xattr.ts';
import { inFirstUserNamespace, isMapped } from '../kernel/user-namespace.ts';
import { invalid } from './error.ts';
import { setAttributes, setNodeAttributes, type Attributes } from './layer-extract-attributes.ts';
import { Directories, type Directory } from './layer-extract-directories.ts';
import { copyUp } from './layer-extract-lower.ts';
import { layerName, nameOf, normalizePath, parentOf } from './layer-extract-path.ts';
import { LayerContents } from './layer-extract-whiteouts.ts';
import { LayerStack, type LowerDirectories } from './layer-lookup.ts';
import type { TarEntry } from './tar/entry.ts';
import { quotePath } from './tar/error.ts';
import { TarReader, type TarSink } from './tar/reader.ts';

/** How to extract. */
export interface ExtractOptions {
  /** `overlay`: make OverlayFS's whiteouts; `apply`: remove what they name, to flatten layers into one tree; `none`: they are files like others. */
  readonly whiteouts: 'overlay' | 'apply' | 'none';
  /** The directories of the layers below, the top one first: for directories that the archive forgot, and hard links to files below. */
  readonly lower?: LowerDirectories;
  /** Who owns everything, whatever the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Refuse to put a file in the place of a directory, or the other way round. */
  readonly noOverwriteDirNonDir?: boolean;
  /** The root at which links end, and the target's path below it, where that is not the target itself. */
  readonly linkRoot?: { readonly fd: number; readonly path: ByteString };
  /** Leave owner, mode and times of the target itself as they are, though the archive has an entry for it. */
  readonly keepTarget?: boolean;
}

/** What an extraction made. */
export interface Extraction {
  /** Bytes of file content, holes included. */
  readonly size: number;
  readonly entries: number;
  /** What the file system could not keep, such as labels; a sentence each, at most 100. */
  readonly warnings: readonly string[];
}

/**
 * Extracts a tar archive.
 * @param chunks the archive, uncompressed, in pieces of any size; what follows its end is read and ignored
 * @param target a descriptor of the directory, open for reading; stays the caller's
 * @throws StorageError when the archive is bad, or means a path outside; KernelError when a call fails. What was made so far stays.
 */
export async function extractLayer(chunks: AsyncIterable<Uint8Array>, target: { readonly fd: number }, options: ExtractOptions): Promise<Extraction> {
  const extractor = new LayerExtractor(target.fd, options);
  try {
    for await (const chunk of chunks) extractor.write(chunk);
    return extractor.finish();
  } finally {
    extractor.close();
  }
}

const maxWarnings = 100;

/** An extraction that is given its bytes. `close` must be called in the end, whatever happened. */
class LayerExtractor implements TarSink {
  private readonly options: ExtractOptions;
  private readonly reader = new TarReader(this);
  private readonly lower: LayerStack | undefined;
  private readonly directories: Directories;
  private readonly contents: LayerContents;
  private readonly warnings: string[] = [];
  private toldOfOwners = false;
  private readonly umask = process.umask();
  private readonly uid = process.geteuid!();
  private readonly gid = process.getegid!();
  private size = 0;
  private file: { readonly fd: number; readonly path: ByteString; readonly entry: TarEntry; readonly attributes: Attributes | undefined } | undefined;

  constructor(target: number, options: ExtractOptions) {
    this.options = options;
    this.lower = typeof options.lower === 'function' || options.lower?.length ? new LayerStack(options.lower) : undefined;
    this.directories = new Directories(target, options.linkRoot ?? { fd: target, path: '' }, this.lower, this.warn);
    this.contents = new LayerContents(this.directories, options.whiteouts);
  }

  /** Takes the next bytes of the archive. */
  write(chunk: Uint8Array): void {
    this.reader.write(chunk);
  }

  /** Says that the archive is complete: sets what directories get at the end. */
  finish(): Extraction {
    this.reader.end();
    this.directories.finish();
    return { size: this.size, entries: this.reader.entries, warnings: this.warnings };
  }

  /** Closes all descriptors. */
  close(): void {
    if (this.file) closeFd(this.file.fd);
    this.file = undefined;
    this.directories.forget();
    this.lower?.close();
  }

  private readonly warn = (sentence: string): void => {
    if (this.warnings.length < maxWarnings) this.warnings.push(sentence);
  };

  entry(entry: TarEntry): void {
    this.directories.trim();
    const path = normalizePath(entry.path);
    if (path === '') return this.onTarget(entry);
    if (this.options.whiteouts !== 'none') {
      const meaning = layerName(path);
      if (meaning.kind === 'opaque') return this.contents.makeOpaque(parentOf(path));
      if (meaning.kind === 'removed') return this.contents.remove(parentOf(path), meaning.name);
      if (meaning.kind === 'ignored') return;
      this.contents.add(path);
    }
    this.size += entry.size;
    switch (entry.type) {
      case 'file':
        return this.makeFile(path, entry);
      case 'directory':
        return this.makeDirectory(path, entry);
      case 'hardlink':
        return this.makeHardLink(path, entry);
      case 'symlink':
        return this.makeNode(path, entry, (d, name) => trySymlinkAt(entry.linkTarget, d.fd, name));
      case 'fifo':
        return this.makeNode(path, entry, (d, name) => tryMakeNodeAt(d.fd, name, S_IFIFO | 0o600, 0, 0));
      default: {
        if (!inFirstUserNamespace()) return this.warn(`the device /${toText(path)} is left out: nobody can make one in a user namespace`);
        const type = entry.type === 'block' ? S_IFBLK : S_IFCHR;
        return this.makeNode(path, entry, (d, name) => tryMakeNodeAt(d.fd, name, type | 0o600, entry.major, entry.minor));
      }
    }
  }

  data(bytes: Uint8Array, position: number): void {
    if (this.file) writeFully(this.file.fd, bytes, this.file.entry.sparse ? position : null, this.file.path);
  }

  endEntry(): void {
    if (!this.file) return;
    const { fd, path, entry, attributes } = this.file;
    if (entry.sparse) truncateFd(fd, entry.size, path);
    // Attributes come after the content: a write takes setuid and capabilities away.
    if (attributes) setAttributes(fd, attributes, path, this.warn);
    else {
      if ((entry.mode & this.umask) !== 0) check(tryChmodFd(fd, entry.mode), 'chmod', path);
      check(trySetTimes(fd, null, entry.mtime.seconds, entry.mtime.nsec), 'utimensat', path);
    }
    this.file = undefined;
    closeFd(fd);
  }

  private onTarget(entry: TarEntry): void {
    if (entry.type !== 'directory') throw invalid(`the archive has a ${entry.type} in the place of its root: ${quotePath(entry.path)}`);
    if (!this.options.keepTarget) this.directories.setLater('', this.attributesOf(entry));
  }

  private attributesOf({ mode, uid, gid, mtime, xattrs }: TarEntry): Attributes {
    return { mode, ...this.ownerOf(uid, gid), mtime, xattrs, ...this.options.owner };
  }

  /** In a user namespace files can belong to those only that it knows; the others' are root's. */
  private ownerOf(uid: number, gid: number): { readonly uid: number; readonly gid: number } {
    if (inFirstUserNamespace() || (isMapped('uid', uid) && isMapped('gid', gid))) return { uid, gid };
    if (!this.toldOfOwners)
      this.warn(`files of the archive belong to root, and not to the ${uid}:${gid} that it says, or to others like these: this user namespace has no such ids`);
    this.toldOfOwners = true;
    return { uid: isMapped('uid', uid) ? uid : 0, gid: isMapped('gid', gid) ? gid : 0 };
  }

  private makeFile(path: ByteString, entry: TarEntry): void {
    const attributes = this.attributesOf(entry);
    let simple = false; // made with all that it needs but its time
    const fd = this.place(path, entry, (directory, name) => {
      simple = directory.plain && attributes.uid === this.uid && attributes.gid === this.gid && attributes.mode <= 0o777 && attributes.xattrs.length === 0;
      return tryOpenAt(directory.fd, name, openFlags.O_WRONLY | openFlags.O_CREAT | openFlags.O_EXCL, simple ? attributes.mode : 0o600);
    });
    this.file = { fd, path, entry, attributes: simple ? undefined : attributes };
  }

  private makeDirectory(path: ByteString, entry: TarEntry): void {
    const name = nameOf(path);
    const parent = this.directories.get(parentOf(path));
    const existing = statAt(parent.fd, name);
    if (!existing || !isDirectory(existing)) {
      const hidden = existing !== undefined && this.options.whiteouts === 'overlay' && isWhiteoutDevice(existing);
      const fd = this.place(path, entry, (directory) => this.directories.make(directory, path, name));
      // Removed and made anew in one layer: what lower layers have in it must not show.
      if (hidden) check(trySetOpaque(fd), 'setxattr', path);
    }
    this.directories.setLater(path, this.attributesOf(entry));
  }

  private makeNode(path: ByteString, entry: TarEntry, make: (directory: Directory, name: ByteString) => number): void {
    this.place(path, entry, make);
    setNodeAttributes(this.directories.get(parentOf(path)).fd, nameOf(path), this.attributesOf(entry), path, this.warn);
  }

  private makeHardLink(path: ByteString, entry: TarEntry): void {
    const target = normalizePath(entry.linkTarget);
    if (target === '' || target === path) throw invalid(`the archive's hard link ${quotePath(path)} has no target but ${target ? 'itself' : 'the root'}`);
    const missing = (): Error =>
      invalid(`the archive's hard link ${quotePath(path)} has the target ${quotePath(target)}, which is neither in it nor in a layer below`);
    this.place(path, entry, (directory, name) => {
      const from = this.directories.find(parentOf(target));
      let returned = from ? tryLinkAt(from.fd, nameOf(target), directory.fd, name) : -errno.ENOENT;
      if (returned === -errno.ENOENT && this.lower) {
        if (!copyUp(this.lower, target, this.directories, this.warn)) throw missing();
        returned = tryLinkAt(this.directories.get(parentOf(target)).fd, nameOf(target), this.directories.get(parentOf(path)).fd, name);
      }
      if (returned === -errno.ENOENT) throw missing();
      return returned;
    });
  }

  /** Makes something at a path, and takes away what is there: the last entry of a name counts. Returns what `make` did. */
  private place(path: ByteString, entry: TarEntry, make: (directory: Directory, name: ByteString) => number): number {
    const name = nameOf(path);
    for (let tries = 0; ; tries++) {
      const directory = this.directories.get(parentOf(path));
      const returned = make(directory, name);
      if (returned !== -errno.EEXIST || tries === 10) return check(returned, `make ${entry.type}`, path);
      const existing = statAt(directory.fd, name);
      if (!existing) continue;
      if (this.options.noOverwriteDirNonDir && isDirectory(existing) !== (entry.type === 'directory')) {
        const [old, now] = isDirectory(existing) ? ['directory', 'non-directory'] : ['non-directory', 'directory'];
        throw invalid(`cannot overwrite ${old} ${quotePath(`/${path}`)} with ${now} ${quotePath(entry.path)}`);
      }
      this.directories.removeFrom(directory, name);
    }
  }
}

function check(returned: number, call: string, path: ByteString): number {
  if (returned < 0) throw new KernelError(`${call} "${toText(path)}"`, -returned);
  return returned;
}
