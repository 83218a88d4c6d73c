/**
 * Every file of one layer's directory, each directory before what is in it, names sorted by bytes. Layers are hostile: a file is
 * reached by one name below an open directory, links are not followed, and what disappears meanwhile is left out.
 */
import { errno, KernelError } from '../kernel/errno.ts';
import { closeFd, isDirectory, PATH_MAX, readDirectory, statAt, toText, tryOpenAt, type ByteString, type FileStatus } from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { StorageError } from './error.ts';

/** A file of a layer. The descriptors are open until the next one is asked for. */
export interface LayerEntry {
  /** Relative to the layer, without a leading slash. */
  readonly path: ByteString;
  readonly name: ByteString;
  /** The directory that it is in. */
  readonly parent: number;
  readonly status: FileStatus;
  /** The directory itself, where it is one. */
  readonly fd?: number;
}

/**
 * Walks what is below a directory; the directory itself is not among it.
 * @param fd opened for reading, and at its beginning
 * @param path of the directory, for the paths of what is in it; empty for a layer's root
 * @param passOver is told of what cannot be read, which is then left out; default: throws it
 * @throws KernelError when a directory cannot be read; StorageError when the tree is deeper than a path can be
 */
export function* walkLayer(fd: number, path: ByteString = '', passOver: (error: KernelError) => void = rethrow): Generator<LayerEntry> {
  if (path.length >= PATH_MAX)
    throw new StorageError('invalid', `the directory "${toText(path.slice(0, 60))}…" is too deep: its path has ${path.length} bytes`);
  for (const { name } of readDirectory(fd)) {
    const place = path === '' ? name : `${path}/${name}`;
    let status: FileStatus | undefined;
    try {
      status = statAt(fd, name);
    } catch (error) {
      passOver(new KernelError(`stat "${toText(place)}"`, (error as KernelError).errno));
    }
    if (!status) continue;
    if (!isDirectory(status)) {
      yield { path: place, name, parent: fd, status };
      continue;
    }
    const directory = tryOpenAt(fd, name, openFlags.O_DIRECTORY);
    if (directory === -errno.ENOENT || directory === -errno.ENOTDIR) continue;
    if (directory < 0) {
      passOver(new KernelError(`open directory "${toText(place)}"`, -directory));
      continue;
    }
    try {
      yield { path: place, name, parent: fd, status, fd: directory };
      yield* walkLayer(directory, place, passOver);
    } finally {
      closeFd(directory);
    }
  }
}

function rethrow(error: KernelError): never {
  throw error;
}
