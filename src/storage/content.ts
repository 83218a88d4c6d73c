/**
 * Content by digest: an OCI image layout on disk (OCI image-spec, image-layout.md), so that skopeo, umoci and buildah
 * read our images as they are. Blobs are written once, beside the layout, and renamed in when their digest is known.
 *
 *     images/oci-layout        version of the layout
 *     images/index.json        which manifests there are and what they are called (references.ts)
 *     images/blobs/sha256/HEX  manifests, configurations, layers
 *     images/ingest/           blobs being written; emptied when the store opens
 */
import { createReadStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync, type ReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseJson, readBounded, readableJson, syncDirectory } from './atomic.ts';
import { digestOf, hexOf, isDigest, type Digest } from './digest.ts';
import { StorageError, asStorageError, invalid } from './error.ts';
import { Leases } from './leases.ts';

const layoutFile = { imageLayoutVersion: '1.0.0' };

export class Content {
  /** The directory of the layout. */
  readonly root: string;
  /** Blobs that garbage collection leaves alone for now. */
  readonly leases = new Leases();
  readonly #blobs: string;
  readonly #ingest: string;
  #temporaries = 0;

  private constructor(root: string) {
    this.root = root;
    this.#blobs = join(root, 'blobs', 'sha256');
    this.#ingest = join(root, 'ingest');
  }

  /**
   * Opens the layout in `root`, making it when it is not there; what a crash left half written is removed.
   * @throws StorageError when the directory cannot be made, or is a layout of a version that we do not know
   */
  static open(root: string): Content {
    const content = new Content(root);
    try {
      mkdirSync(content.#blobs, { recursive: true, mode: 0o700 });
      rmSync(content.#ingest, { recursive: true, force: true });
      mkdirSync(content.#ingest, { mode: 0o700 });
      const marker = join(root, 'oci-layout');
      if (!existsSync(marker)) writeFileSync(marker, JSON.stringify(layoutFile));
    } catch (error) {
      throw asStorageError(error, `open the image layout ${root}`);
    }
    requireLayoutVersion(readBounded(join(root, 'oci-layout'), 4096), `${root}/oci-layout`);
    return content;
  }

  /** Where a blob is, or would be. */
  pathOf(digest: Digest): string {
    return join(this.#blobs, hexOf(digest));
  }

  has(digest: Digest): boolean {
    return existsSync(this.pathOf(digest));
  }

  /** Bytes of a blob; undefined when it is not here. */
  sizeOf(digest: Digest): number | undefined {
    return statSync(this.pathOf(digest), { throwIfNoEntry: false })?.size;
  }

  /**
   * The bytes of a small blob (a manifest, a configuration), checked against its digest.
   * @param limit bytes at most
   * @throws StorageError `not-found`, or `invalid` when it is too large or not what its name says
   */
  read(digest: Digest, limit: number): Buffer {
    let bytes: Buffer;
    try {
      bytes = readBounded(this.pathOf(digest), limit);
    } catch (error) {
      throw asStorageError(error, `read the blob ${digest}`);
    }
    if (digestOf(bytes) !== digest)
      throw invalid(`the blob ${digest} is damaged: its content has the digest ${digestOf(bytes)}; remove the image and import it again`);
    return bytes;
  }

  stream(digest: Digest): ReadStream {
    return createReadStream(this.pathOf(digest), { highWaterMark: 1 << 20 });
  }

  /** A new path on the same file system, for a blob being written. Hand it to {@link adopt} or {@link discard}. */
  temporary(): string {
    return join(this.#ingest, String(++this.#temporaries));
  }

  async discard(temporary: string): Promise<void> {
    await rm(temporary, { force: true });
  }

  /**
   * Makes a finished temporary file the blob `digest`, flushed. The caller has computed the digest from the very bytes it wrote.
   * A blob that is already here stays, and the temporary goes.
   */
  async adopt(temporary: string, digest: Digest): Promise<void> {
    if (this.has(digest)) return this.discard(temporary);
    const file = await open(temporary, 'r');
    try {
      await file.chmod(0o600);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.pathOf(digest));
    await syncDirectory(this.#blobs);
  }

  /**
   * Stores a small blob.
   * @returns its digest
   */
  async put(bytes: Uint8Array | string): Promise<Digest> {
    const digest = digestOf(bytes);
    if (this.has(digest)) return digest;
    const temporary = this.temporary();
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(bytes);
      } finally {
        await file.close();
      }
      await this.adopt(temporary, digest);
    } catch (error) {
      await this.discard(temporary);
      throw asStorageError(error, `store a blob in ${this.root}`);
    }
    return digest;
  }

  /** Stores a value as JSON; for documents that are ours, never for those we received. */
  putJson(value: unknown): Promise<Digest> {
    return this.put(readableJson(value));
  }

  /** Every blob here. */
  list(): Digest[] {
    return readdirSync(this.#blobs)
      .map((hex) => `sha256:${hex}`)
      .filter(isDigest);
  }

  /**
   * Removes the blobs that are neither live nor leased.
   * @param live asked at the last moment, with nothing between the question and the removal that an import could slip into
   * @returns how many bytes that freed
   */
  async sweep(live: () => ReadonlySet<Digest>): Promise<number> {
    const keep = live();
    const doomed = this.list().filter((digest) => !keep.has(digest) && !this.leases.has(digest));
    let freed = 0;
    const gone = doomed.map((digest) => {
      const temporary = this.temporary();
      freed += this.sizeOf(digest) ?? 0;
      renameSync(this.pathOf(digest), temporary); // out of the way at once; freeing large files takes its time
      return temporary;
    });
    await Promise.all(gone.map((temporary) => this.discard(temporary)));
    return freed;
  }
}

/**
 * Checks an `oci-layout` file, ours or an archive's.
 * @throws StorageError (invalid) when its version is not 1.x
 */
export function requireLayoutVersion(bytes: Uint8Array, name: string): void {
  const version = (parseJson(bytes, name) as { imageLayoutVersion?: unknown } | null)?.imageLayoutVersion;
  if (typeof version !== 'string' || !version.startsWith('1.')) {
    throw new StorageError('invalid', `${name} says layout version ${JSON.stringify(version)}; version 1.0.0 is supported`);
  }
}
