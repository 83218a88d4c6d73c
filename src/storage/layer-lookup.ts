/**
 * Looks names up in a stack of layer directories as an overlay mount of them would show them, without mounting:
 * whiteouts, opaque directories and files in the place of directories hide what is below. No link is followed.
 */
import { closeSync, openSync } from 'node:fs';
import { errno, KernelError } from '../kernel/errno.ts';
import { closeFd, isDirectory, readDirectory, statAt, statFd, toText, tryOpenAt, tryOpenBeneath, type ByteString, type FileStatus } from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { isOpaque, isWhiteout, isWhiteoutAt, type OverlayFamily, ownFamily } from '../kernel/xattr.ts';

/** A file found in a layer: an O_PATH descriptor, which the finder closes, and its status. */
export interface Found {
  readonly fd: number;
  readonly status: FileStatus;
  /** Index of the layer, the top one 0. */
  readonly layer: number;
}

/** Layers' directories, the top one first; or a function that is asked for them when the first name is looked up. */
export type LowerDirectories = readonly string[] | (() => readonly string[]);

export class LayerStack {
  private readonly paths: LowerDirectories;
  private readonly family: OverlayFamily;
  private fds: readonly number[] | undefined;

  /**
   * @param paths the layers' directories, the top one first
   * @param family where the overlay keeps its attributes
   */
  constructor(paths: LowerDirectories, family: OverlayFamily = ownFamily()) {
    this.paths = paths;
    this.family = family;
  }

  /** Closes what was opened. */
  close(): void {
    for (const fd of this.fds ?? []) closeSync(fd);
    this.fds = undefined;
  }

  /** Calls `use` with the file that is visible at a path (without a leading slash); undefined where there is none. */
  find<T>(path: ByteString, use: (found: Found) => T): T | undefined {
    for (const found of this.occurrences(path)) return isWhiteout(found.fd, found.status, this.family) ? undefined : use(found);
    return undefined;
  }

  /** The status of the file that is visible at a path. */
  stat(path: ByteString): FileStatus | undefined {
    return this.find(path, (found) => found.status);
  }

  /** The names that are visible in a directory, sorted; none where it is not there or no directory. */
  list(path: ByteString): ByteString[] {
    const visible = new Set<ByteString>();
    const hidden = new Set<ByteString>();
    for (const { fd, status } of this.occurrences(path)) {
      if (!isDirectory(status)) break;
      const directory = tryOpenAt(fd, '.', openFlags.O_DIRECTORY);
      if (directory < 0) throw new KernelError(`open "/${toText(path)}" of a layer`, -directory);
      try {
        for (const { name, type } of readDirectory(directory)) {
          if (visible.has(name) || hidden.has(name)) continue;
          const status = whiteoutTypes.includes(type) ? statAt(directory, name) : undefined;
          (status && isWhiteoutAt(directory, name, status, this.family) ? hidden : visible).add(name);
        }
        if (isOpaque(directory, this.family)) break;
      } finally {
        closeFd(directory);
      }
    }
    return [...visible].sort();
  }

  /** The files at a path in the layers that could show it, from the top; whiteouts are among them and end it. */
  private *occurrences(path: ByteString): Generator<Found> {
    this.fds ??= (typeof this.paths === 'function' ? this.paths() : this.paths).map((p) =>
      openSync(p, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC),
    );
    for (const [i, layer] of this.fds.entries()) {
      const fd = tryOpenBeneath(layer, path, openFlags.O_PATH | openFlags.O_NOFOLLOW);
      if (fd >= 0) {
        try {
          const status = statFd(fd);
          yield { fd, status, layer: i };
          if (!isDirectory(status)) return;
        } finally {
          closeFd(fd);
        }
      } else if (!isMissing(fd)) throw new KernelError(`open "/${toText(path)}" of a layer`, -fd);
      if (hidesBelow(layer, path, this.family)) return;
    }
  }
}

/** DT_UNKNOWN, DT_CHR and DT_REG: only such a file can be a whiteout. */
const whiteoutTypes: readonly number[] = [0, 2, 8];

const isMissing = (value: number): boolean => value === -errno.ENOENT || value === -errno.ENOTDIR || value === -errno.ELOOP;

/** Whether a directory above `path` in this layer keeps layers below from showing through. */
function hidesBelow(layer: number, path: ByteString, family: OverlayFamily): boolean {
  for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1)) {
    const fd = tryOpenBeneath(layer, path.slice(0, slash), openFlags.O_PATH | openFlags.O_NOFOLLOW);
    if (fd < 0) return !isMissing(fd);
    try {
      if (!isDirectory(statFd(fd)) || isOpaque(fd, family)) return true;
    } finally {
      closeFd(fd);
    }
  }
  return false;
}
