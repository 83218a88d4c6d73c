/**
 * The files of an image archive, by name: a directory, or a plain tar archive whose headers are read once and whose
 * content stays where it is. Names come from hostile documents (`manifest.json`, `index.json`), so they are looked up
 * beneath the archive only: links that leave it, `..` and absolute names lead nowhere.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { errno, KernelError } from '../kernel/errno.ts';
import { closeFd, toBytes, tryOpenBeneath } from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { readRange } from '../storage/atomic.ts';
import { invalid } from '../storage/error.ts';
import type { Region } from '../storage/layer-unpack.ts';
import { nameInside, scanTar } from './archive-tar.ts';

export interface ArchiveFiles {
  /** What messages call it. */
  readonly name: string;
  has(file: string): boolean;
  /** Where a regular file's bytes are. @throws StorageError (invalid) when there is no such file */
  region(file: string): Region;
  /** The bytes of a small file. @throws StorageError (invalid) when there is none or it is larger than `limit` */
  read(file: string, limit: number): Buffer;
  /** Closes what {@link region} opened. */
  close(): void;
}

/** What both kinds of archive share: everything follows from finding a region. */
abstract class Archive implements ArchiveFiles {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }

  protected abstract find(file: string): Region | undefined;
  abstract close(): void;

  has(file: string): boolean {
    const inside = nameInside(file);
    return inside !== undefined && this.find(inside) !== undefined;
  }

  region(file: string): Region {
    const inside = nameInside(file);
    if (inside === undefined) throw invalid(`${this.name} refers to ${JSON.stringify(file.slice(0, 200))}, which is outside the archive`);
    const region = this.find(inside);
    if (!region) throw invalid(`${this.name} lacks the file ${JSON.stringify(file.slice(0, 200))}: the archive is not complete`);
    return region;
  }

  read(file: string, limit: number): Buffer {
    const { fd, offset, size } = this.region(file);
    if (size > limit) throw invalid(`${this.name}: the file ${JSON.stringify(file.slice(0, 200))} has ${size} bytes; at most ${limit} are read`);
    return readRange(fd, offset, size);
  }
}

/** An unpacked archive. Every file is opened beneath the directory, without following links. */
export class DirectoryArchive extends Archive {
  readonly #directory: number;
  readonly #open = new Map<string, Region>();

  constructor(path: string) {
    super(path);
    this.#directory = openSync(path, openFlags.O_DIRECTORY);
  }

  protected find(file: string): Region | undefined {
    const known = this.#open.get(file);
    if (known) return known;
    // Not blocking: a FIFO in its place must not hold us.
    const fd = tryOpenBeneath(this.#directory, toBytes(file), openFlags.O_NONBLOCK);
    if (fd === -errno.ENOENT || fd === -errno.ENOTDIR || fd === -errno.ELOOP) return undefined;
    if (fd < 0) throw new KernelError(`open ${this.name}/${file}`, -fd);
    const status = fstatSync(fd);
    if (!status.isFile()) {
      closeFd(fd);
      return undefined;
    }
    const region = { fd, offset: 0, size: status.size };
    this.#open.set(file, region);
    return region;
  }

  close(): void {
    for (const { fd } of this.#open.values()) closeFd(fd);
    this.#open.clear();
    closeSync(this.#directory);
  }
}

/** A plain tar archive in an open file, which stays the caller's. */
export class TarArchive extends Archive {
  readonly #files: ReadonlyMap<string, Region | { readonly link: string }>;

  /** @throws StorageError (invalid) when it is damaged or too many entries are in it */
  constructor(fd: number, name: string) {
    super(name);
    this.#files = scanTar(fd, name);
  }

  /** Old `docker save` archives have links in place of layers that occur twice. */
  protected find(file: string): Region | undefined {
    let current: string | undefined = file;
    for (let hops = 0; hops < 8 && current !== undefined; hops++) {
      const found = this.#files.get(current);
      if (!found || 'fd' in found) return found;
      current = found.link;
    }
    return undefined;
  }

  close(): void {
    // Nothing of its own is open.
  }
}
