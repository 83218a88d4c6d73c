/**
 * Copies between a container's file system and tar streams, as `docker cp` and its API do. Paths are resolved by the kernel as
 * if the container's root were the root (openat2, RESOLVE_IN_ROOT), so a link that is swapped meanwhile leads nowhere else;
 * nothing of the container is run, and only regular files are read.
 */
import { Readable } from 'node:stream';
import { errno, KernelError } from '../kernel/errno.ts';
import {
  closeFd,
  isDirectory,
  readLinkAt,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFSOCK,
  statFd,
  toBytes,
  toText,
  tryOpenAt,
  tryOpenInRoot,
  type ByteString,
  type FileStatus,
} from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { invalid, StorageError } from './error.ts';
import { extractLayer } from './layer-extract.ts';
import { packFile, packTree, type IdRange } from './tar/pack.ts';

/** What Docker's API says of a path, in the header X-Docker-Container-Path-Stat. */
export interface PathStatus {
  /** The last component of the path asked for. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Go's os.FileMode: permissions, and the type in bits of Go's own. */
  readonly mode: number;
  /** RFC 3339, with nanoseconds. */
  readonly mtime: string;
  /** Where a symbolic link leads in the end, absolute in the container; else empty. */
  readonly linkTarget: string;
}

/** The status of a path in a container. @throws StorageError not-found */
export function statPath(rootfd: number, path: string): PathStatus {
  const resolved = resolve(rootfd, path);
  try {
    return statusOf(rootfd, resolved);
  } finally {
    release(resolved);
  }
}

/**
 * Copies a file or directory out. A link at the end of the path is followed only where `/` or `/.` comes after it.
 * The archive's entries are named after the last component (`/a/b` gives `b`, `b/c`; `/a/b/.` gives `./`, `./c`; `/` gives `/`, `/c`).
 * @param rootfd the container's root; O_PATH is enough; may be closed at once
 * @param idRange the container's, when it has a user namespace: owners are written as it sees them
 * @returns the stream must be read to its end or destroyed
 * @throws StorageError not-found
 */
export function copyOut(rootfd: number, path: string, idRange?: IdRange): { readonly stat: PathStatus; readonly tar: Readable } {
  const resolved = resolve(rootfd, path);
  try {
    const { fd, parent, base } = resolved;
    const stat = statusOf(rootfd, resolved);
    const chunks = parent === undefined || isDirectory(resolved.status) ? packTree(fd, { as: base, idRange }) : packFile(parent, base, base, { idRange });
    const tar = Readable.from(chunks, { objectMode: false });
    tar.once('close', () => release(resolved));
    return { stat, tar };
  } catch (error) {
    release(resolved);
    throw error;
  }
}

/** How to copy in. */
export interface CopyInOptions {
  /** Refuse to replace a directory by something else, or the other way round. */
  readonly noOverwriteDirNonDir?: boolean;
  /** Who owns all that is copied, instead of whom the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * Extracts an archive into a directory of a container; links are followed up to it, and below it as a process in the container would.
 * @param rootfd the container's root; O_PATH is enough; must stay open until the end
 * @param tar an uncompressed tar archive
 * @throws StorageError not-found when there is no such directory, invalid when it is none, or the archive is bad
 */
export async function copyIn(rootfd: number, path: string, tar: AsyncIterable<Uint8Array>, options: CopyInOptions = {}): Promise<void> {
  const { absolute } = parse(path);
  const fd = tryOpenInRoot(rootfd, absolute, openFlags.O_DIRECTORY);
  if (fd === -errno.ENOTDIR) throw invalid(`cannot copy to ${toText(absolute)} in the container: extraction point is not a directory`);
  if (fd < 0) throw openError(absolute, -fd);
  try {
    await extractLayer(tar, { fd }, { whiteouts: 'none', keepTarget: true, linkRoot: { fd: rootfd, path: absolute.slice(1) }, ...options });
  } finally {
    closeFd(fd);
  }
}

/** A path of a container, opened. */
interface Resolved {
  readonly absolute: ByteString;
  readonly base: ByteString;
  /** O_PATH, the file itself. */
  readonly fd: number;
  /** O_PATH, the directory in which it is called `base`; none where the path says that it is a directory. */
  readonly parent: number | undefined;
  readonly status: FileStatus;
}

/** A path made absolute and clean. `follow`: its text says that a directory is meant. */
function parse(path: string): { absolute: ByteString; base: ByteString; follow: boolean } {
  if (path.includes('\0')) throw invalid('a path in a container cannot have a NUL in it');
  const parts: string[] = [];
  for (const part of toBytes(path).split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  const absolute = `/${parts.join('/')}`;
  const dot = /(^|\/)\.$/.test(path);
  const base = parts.length === 0 ? '/' : dot ? '.' : parts.at(-1)!;
  return { absolute, base, follow: dot || path.endsWith('/') || parts.length === 0 };
}

function resolve(rootfd: number, path: string): Resolved {
  const { absolute, base, follow } = parse(path);
  if (follow) {
    const fd = tryOpenInRoot(rootfd, absolute, openFlags.O_PATH | openFlags.O_DIRECTORY);
    if (fd < 0) throw openError(absolute, -fd);
    return { absolute, base, fd, parent: undefined, status: statFd(fd) };
  }
  const parent = tryOpenInRoot(rootfd, absolute.slice(0, absolute.lastIndexOf('/') + 1), openFlags.O_PATH | openFlags.O_DIRECTORY);
  if (parent < 0) throw openError(absolute, -parent);
  const fd = tryOpenAt(parent, base, openFlags.O_PATH);
  if (fd < 0) {
    closeFd(parent);
    throw openError(absolute, -fd);
  }
  return { absolute, base, fd, parent, status: statFd(fd) };
}

function release({ fd, parent }: Resolved): void {
  closeFd(fd);
  if (parent !== undefined) closeFd(parent);
}

function openError(path: ByteString, number: number): Error {
  if (number === errno.ENOENT) return new StorageError('not-found', `could not find the file ${toText(path)} in the container`);
  if (number === errno.ENOTDIR) return invalid(`${toText(path)} in the container is not a directory, or is below one that is not`);
  return new KernelError(`open ${toText(path)} in the container`, number);
}

function statusOf(rootfd: number, { absolute, base, status }: Resolved): PathStatus {
  const link = (status.mode & S_IFMT) === S_IFLNK;
  // File systems may hold times that no date has.
  const seconds = new Date(Math.max(-62135596800, Math.min(status.mtime, 253402300799)) * 1000).toISOString().slice(0, 19);
  const fraction = status.mtimeNsec ? `.${String(status.mtimeNsec).padStart(9, '0').replace(/0+$/, '')}` : '';
  return {
    name: toText(base),
    size: status.size,
    mode: goFileMode(status.mode),
    mtime: `${seconds}${fraction}Z`,
    linkTarget: link ? toText(followedPath(rootfd, absolute)) : '',
  };
}

const goTypes: Readonly<Record<number, number>> = {
  [S_IFDIR]: 2 ** 31,
  [S_IFLNK]: 2 ** 27,
  [S_IFBLK]: 2 ** 26,
  [S_IFIFO]: 2 ** 25,
  [S_IFSOCK]: 2 ** 24,
  [S_IFCHR]: 2 ** 26 + 2 ** 21,
};

/** A file's mode as Go's os.FileMode has it. @see https://pkg.go.dev/io/fs#FileMode */
function goFileMode(mode: number): number {
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return (goTypes[mode & S_IFMT] ?? 0) + special + (mode & 0o777);
}

const maxLinks = 255;

/** The path that a path leads to when all links are followed, as far as it exists. It is text for the client: what opens it resolves it anew. */
function followedPath(rootfd: number, path: ByteString): ByteString {
  const left = path.split('/').reverse();
  let done: ByteString[] = [];
  let links = 0;
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      done.pop();
      continue;
    }
    done.push(part);
    const fd = tryOpenInRoot(rootfd, done.join('/'), openFlags.O_PATH | openFlags.O_NOFOLLOW);
    if (fd < 0) continue; // broken: the rest stands as it is
    try {
      if ((statFd(fd).mode & S_IFMT) !== S_IFLNK) continue;
      if (++links > maxLinks) throw new KernelError(`follow the link ${toText(path)} in the container`, errno.ELOOP);
      const target = readLinkAt(fd, '');
      done = target.startsWith('/') ? [] : done.slice(0, -1);
      left.push(...target.split('/').reverse());
    } finally {
      closeFd(fd);
    }
  }
  return `/${done.join('/')}`;
}
