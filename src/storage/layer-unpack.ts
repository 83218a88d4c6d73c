/**
 * One layer, in one pass over its bytes: read, hash (the blob's digest), copy into the content store, decompress, hash
 * (the diff id), extract. Runs on a worker's thread (layer-worker.ts), so that hashing and extraction never hold up
 * the engine and two layers are unpacked on two processors.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { compressionMagicBytes, compressionOf, decompress, type Compression } from './compression.ts';
import { readRange } from './atomic.ts';
import type { Digest } from './digest.ts';
import { StorageError, invalid } from './error.ts';
import { extractLayer } from './layer-extract.ts';

/** A part of an open file. Descriptors belong to the whole process, so a worker can read what another thread opened. */
export interface Region {
  readonly fd: number;
  readonly offset: number;
  readonly size: number;
}

export interface ExtractTarget {
  /** An existing, empty directory. */
  readonly directory: string;
  /** The layers below, top first, complete; absent while they are still being extracted. */
  readonly lower?: readonly string[];
}

/** What to do with one layer. Plain data: it crosses threads. */
export interface UnpackJob {
  /** What messages call it: `layer 2 of 4 (sha256:…)`. */
  readonly name: string;
  readonly source: Region;
  /** A file to make with the bytes as they are read. */
  readonly copyTo?: string;
  /** Where to extract. */
  readonly extract?: ExtractTarget;
  /** What the bytes must hash to, compressed and decompressed. */
  readonly expect: { readonly digest?: Digest; readonly diffId?: Digest };
}

export interface UnpackResult {
  readonly digest: Digest;
  readonly diffId: Digest;
  readonly compression: Compression;
  /** Bytes of the files in it; 0 when it was not extracted. */
  readonly size: number;
  /** What the file system, or a user namespace, could not keep of it: a sentence each, none without end. */
  readonly warnings: readonly string[];
}

const chunkBytes = 1 << 20;

/** Thrown when an extraction has to look at the layers below before they are there. */
class LowerMissing extends Error {}

/**
 * Does the job. The caller removes what a failure leaves in `copyTo` and in the directory.
 * @param aborted asked before each chunk
 * @returns undefined when the layer cannot be extracted without the layers below (a directory or the target of a hard
 *   link is only there) and these were not given: clear the directory, and do it again when they are complete
 * @throws StorageError (invalid) when the bytes are not what is expected, damaged, or no layer
 */
export async function unpack(job: UnpackJob, aborted: () => boolean): Promise<UnpackResult | undefined> {
  const compression = compressionOf(readRange(job.source.fd, job.source.offset, Math.min(compressionMagicBytes, job.source.size)), job.name);
  const blobHash = createHash('sha256');
  const diffHash = compression === 'none' ? blobHash : createHash('sha256');
  const copy = job.copyTo === undefined ? undefined : openSync(job.copyTo, 'wx', 0o600);
  let extracted: Pick<UnpackResult, 'size' | 'warnings'> = { size: 0, warnings: [] };

  const content = decompress(readChunks(job, blobHash, copy, aborted), compression, job.name)[Symbol.asyncIterator]();
  const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
    const result = await content.next();
    if (result.done) return { done: true, value: undefined };
    if (diffHash !== blobHash) diffHash.update(result.value);
    return { done: false, value: result.value };
  };
  try {
    // An extractor may stop at the archive's end mark; what follows still counts for the digests. So it gets an
    // iterator that it cannot close, and the rest is read after it.
    if (job.extract) extracted = await extractInto(job.extract, { [Symbol.asyncIterator]: () => ({ next }) }, job.name);
    while (!(await next()).done);
  } catch (error) {
    if (error instanceof LowerMissing) return undefined;
    throw error;
  } finally {
    await content.return?.(undefined);
    if (copy !== undefined) closeSync(copy);
  }

  const digest = `sha256:${blobHash.digest('hex')}`;
  const diffId = diffHash === blobHash ? digest : `sha256:${diffHash.digest('hex')}`;
  requireSame(job.name, 'digest', job.expect.digest, digest);
  requireSame(job.name, 'diff id (digest of its uncompressed content)', job.expect.diffId, diffId);
  return { digest, diffId, compression, ...extracted };
}

function requireSame(name: string, what: string, expected: Digest | undefined, actual: Digest): void {
  if (expected !== undefined && expected !== actual)
    throw invalid(`${name}: the ${what} is ${actual}, not ${expected} as the image says: the archive is damaged or forged`);
}

async function extractInto(target: ExtractTarget, chunks: AsyncIterable<Uint8Array>, name: string): Promise<Pick<UnpackResult, 'size' | 'warnings'>> {
  const fd = openSync(target.directory, 'r');
  const lowerMissing = (): never => {
    throw new LowerMissing();
  };
  try {
    const { size, warnings } = await extractLayer(chunks, { fd }, { whiteouts: 'overlay', lower: target.lower ?? lowerMissing });
    return { size, warnings };
  } catch (error) {
    // What the extractor says of the archive gets the layer's name.
    if (error instanceof StorageError && !error.message.startsWith(name)) throw new StorageError(error.kind, `${name}: ${error.message}`, error);
    throw error;
  } finally {
    closeSync(fd);
  }
}

async function* readChunks(
  job: UnpackJob,
  hash: { update(bytes: Uint8Array): unknown },
  copy: number | undefined,
  aborted: () => boolean,
): AsyncGenerator<Uint8Array> {
  const { fd, offset, size } = job.source;
  for (let done = 0; done < size;) {
    if (aborted()) throw new StorageError('failed', `${job.name}: given up, because another part of the image failed`);
    const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, size - done)); // its own memory: the consumer keeps slices
    const count = readSync(fd, chunk, 0, chunk.length, offset + done);
    if (count === 0) throw invalid(`${job.name} ends after ${done} of ${size} bytes`);
    const bytes = chunk.subarray(0, count);
    hash.update(bytes);
    for (let written = 0; copy !== undefined && written < count;) written += writeSync(copy, bytes, written);
    done += count;
    yield bytes;
  }
}

/** The whole of an open file as a region. */
export const wholeFile = (fd: number): Region => ({ fd, offset: 0, size: fstatSync(fd).size });
