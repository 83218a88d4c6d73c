/**
 * Packs a directory tree as a tar archive: names sorted by bytes, a directory before what is in it, hard links kept. The tree
 * may be a running container's: every file is opened by one name below an open directory, links are not followed, only regular
 * files are read, and what disappears meanwhile is left out.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { errno, KernelError } from '../../kernel/errno.ts';
import {
  closeFd,
  PATH_MAX,
  procPath,
  readDirectory,
  readLinkAt,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  statFd,
  toText,
  tryOpenAt,
  type ByteString,
  type FileStatus,
} from '../../kernel/file-at.ts';
import { openFlags } from '../../kernel/flags.ts';
import { getXattr, isOverlayXattr, listXattrs } from '../../kernel/xattr.ts';
import { invalid } from '../error.ts';
import type { TarEntry, TarEntryType } from './entry.ts';
import { quotePath } from './error.ts';
import { TarChunks } from './writer.ts';

/** How to pack. */
export interface PackOptions {
  /**
   * The name of the tree itself in the archive: it becomes an entry, and all others begin with it (`data` gives `data/`,
   * `data/a`; `.` gives `./`, `./a`). Without it only what is in the tree is packed (`a`).
   */
  readonly as?: ByteString;
  /** Changes how entries are written, such as whiteouts of a layer: see {@link PackHooks}. */
  readonly hooks?: PackHooks;
  /** Owners in this range are written as those that a user namespace with it sees. */
  readonly idRange?: IdRange | undefined;
}

/** Ids of the host that are those from 0 on in a user namespace; see user_namespaces(7). */
export interface IdRange {
  readonly first: number;
  readonly size: number;
}

/** What a layer does differently. */
export interface PackHooks {
  /** Whether a file says that what layers below have of its name is gone. @param fd O_PATH */
  isWhiteout(fd: number, status: FileStatus): boolean;
  /** The name under which a whiteout is written. */
  whiteoutName(name: ByteString): ByteString;
  /** The name of an empty file to write first in a directory, if any. @param fd O_PATH @param path in the tree, without a leading slash */
  marker(fd: number, path: ByteString): ByteString | undefined;
  /** Looks at a file before it is written; throws where it cannot be. */
  examine(fd: number, path: ByteString): void;
}

/**
 * Packs what is below a directory.
 * @param dirfd the directory; O_PATH is enough; stays the caller's and must stay open until the end
 * @throws KernelError when something cannot be read
 */
export async function* packTree(dirfd: number, options: PackOptions = {}): AsyncGenerator<Buffer> {
  yield* breathing(new TreePacker(options).tree(dirfd));
}

/**
 * Packs one file of a directory, or the tree where it is one.
 * @param as its path in the archive
 */
export async function* packFile(dirfd: number, name: ByteString, as: ByteString, options: Pick<PackOptions, 'idRange'> = {}): AsyncGenerator<Buffer> {
  yield* breathing(new TreePacker(options).single(dirfd, name, as));
}

/** Hands on chunks, and lets others run between them: reading files is synchronous. */
async function* breathing(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    yield chunk;
    await setImmediate();
  }
}

const types: Readonly<Record<number, TarEntryType>> = {
  [S_IFREG]: 'file',
  [S_IFDIR]: 'directory',
  [S_IFLNK]: 'symlink',
  [S_IFCHR]: 'character',
  [S_IFBLK]: 'block',
  [S_IFIFO]: 'fifo',
};

class TreePacker {
  private readonly options: PackOptions;
  private readonly chunks = new TarChunks();
  private readonly linked = new Map<string, ByteString>(); // files with several names, by identity: the name written

  constructor(options: PackOptions) {
    this.options = options;
  }

  *tree(dirfd: number): Generator<Buffer> {
    const { as } = this.options;
    if (as !== undefined) yield* this.chunks.add(this.entryOf(dirfd, statFd(dirfd), 'directory', as));
    yield* this.below(dirfd, as === undefined ? '' : as.endsWith('/') ? as : `${as}/`, '');
    yield* this.chunks.end();
  }

  *single(dirfd: number, name: ByteString, as: ByteString): Generator<Buffer> {
    yield* this.file(dirfd, name, as, name);
    yield* this.chunks.end();
  }

  /** What is in a directory. @param prefix of its names in the archive @param place its path in the tree, with a slash at the end if any */
  private *below(fd: number, prefix: ByteString, place: ByteString): Generator<Buffer> {
    if (prefix.length >= PATH_MAX) throw invalid(`the directory ${quotePath(prefix)} is too deep to be packed: its path has ${prefix.length} bytes`);
    const directory = tryOpenAt(fd, '.', openFlags.O_DIRECTORY);
    if (directory < 0) throw new KernelError(`open directory "${toText(prefix)}"`, -directory);
    try {
      for (const { name } of readDirectory(directory)) yield* this.file(directory, name, prefix + name, place + name);
    } finally {
      closeFd(directory);
    }
  }

  private *file(dirfd: number, name: ByteString, path: ByteString, place: ByteString): Generator<Buffer> {
    const fd = tryOpenAt(dirfd, name, openFlags.O_PATH);
    if (fd === -errno.ENOENT) return; // removed meanwhile
    if (fd < 0) throw new KernelError(`open "${toText(path)}"`, -fd);
    try {
      const status = statFd(fd);
      const type = types[status.mode & S_IFMT];
      if (!type) return; // a socket: there is no entry for it, and nobody listens to a copy
      const { hooks } = this.options;
      if (hooks?.isWhiteout(fd, status)) {
        yield* this.chunks.add({ ...this.entryOf(fd, status, 'file', path.slice(0, -name.length) + hooks.whiteoutName(name)), mode: 0, size: 0 });
        return;
      }
      hooks?.examine(fd, place);
      if (type === 'directory') yield* this.directory(fd, status, path, place);
      else yield* this.plainFile(fd, status, type, path);
    } finally {
      closeFd(fd);
    }
  }

  private *directory(fd: number, status: FileStatus, path: ByteString, place: ByteString): Generator<Buffer> {
    const entry = this.entryOf(fd, status, 'directory', path);
    yield* this.chunks.add(entry);
    const marker = this.options.hooks?.marker(fd, place);
    if (marker !== undefined) yield* this.chunks.add({ ...entry, type: 'file', path: `${path}/${marker}`, mode: 0, xattrs: [] });
    yield* this.below(fd, `${path}/`, `${place}/`);
  }

  private *plainFile(fd: number, status: FileStatus, type: TarEntryType, path: ByteString): Generator<Buffer> {
    const first = status.nlink > 1 ? this.linked.get(status.identity) : undefined;
    if (first !== undefined) {
      yield* this.chunks.add({ ...this.entryOf(fd, status, 'hardlink', path), linkTarget: first });
      return;
    }
    if (status.nlink > 1) this.linked.set(status.identity, path);
    const entry = this.entryOf(fd, status, type, path);
    if (type !== 'file') {
      yield* this.chunks.add(entry);
      return;
    }
    // Through /proc, so that it is the very file that was looked at: a device that took its place must not be opened.
    const content = openSync(procPath(fd), constants.O_RDONLY | openFlags.O_CLOEXEC);
    try {
      yield* this.chunks.add(entry);
      yield* this.chunks.content(content, entry.size);
    } finally {
      closeSync(content);
    }
  }

  private owner(id: number): number {
    const { idRange } = this.options;
    return idRange && id >= idRange.first && id < idRange.first + idRange.size ? id - idRange.first : id;
  }

  private entryOf(fd: number, status: FileStatus, type: TarEntryType, path: ByteString): TarEntry {
    const names = type === 'hardlink' ? [] : listXattrs(fd).filter((name) => !isOverlayXattr(name));
    return {
      type,
      path,
      linkTarget: type === 'symlink' ? readLinkAt(fd, '') : '',
      mode: status.mode & 0o7777,
      uid: this.owner(status.uid),
      gid: this.owner(status.gid),
      size: type === 'file' ? status.size : 0,
      mtime: { seconds: status.mtime, nsec: status.mtimeNsec },
      major: status.major,
      minor: status.minor,
      xattrs: names.flatMap((name) => {
        const value = getXattr(fd, name);
        return value ? [[name, value] as const] : [];
      }),
    };
  }
}
