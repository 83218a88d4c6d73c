/** Compression of layers and archives, recognised by content: gzip (RFC 1952), zstd (RFC 8878) or none. */
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { StorageError, invalid } from './error.ts';

export type Compression = 'none' | 'gzip' | 'zstd';

/** How many bytes {@link compressionOf} needs to see. */
export const compressionMagicBytes = 6;

const startsWith = (bytes: Uint8Array, ...magic: number[]): boolean => magic.every((byte, i) => bytes[i] === byte);

/**
 * The compression of what begins with `head`.
 * @throws StorageError (invalid) for formats that we know but cannot read
 */
export function compressionOf(head: Uint8Array, name: string): Compression {
  if (startsWith(head, 0x1f, 0x8b)) return 'gzip';
  if (startsWith(head, 0x28, 0xb5, 0x2f, 0xfd)) return 'zstd';
  // A zstd stream may begin with a skippable frame.
  if (((head[0] ?? 0) & 0xf0) === 0x50 && startsWith(head.subarray(1), 0x2a, 0x4d, 0x18)) return 'zstd';
  if (startsWith(head, 0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)) throw invalid(`${name} is compressed by xz, which is not supported: decompress it first (xz -d)`);
  if (startsWith(head, 0x42, 0x5a, 0x68) && head[3] !== 0)
    throw invalid(`${name} is compressed by bzip2, which is not supported: decompress it first (bzip2 -d)`);
  return 'none';
}

/** Large output chunks: fewer crossings between zlib's threads and ours. */
const chunkSize = 1 << 18;

/**
 * Decompresses a stream. The work is done on libuv's threads, beside whoever consumes it.
 * @param name what messages call it
 * @throws StorageError (invalid), while iterating, when the data is damaged or ends too early
 */
export async function* decompress(chunks: AsyncIterable<Uint8Array>, compression: Compression, name: string): AsyncGenerator<Uint8Array> {
  if (compression === 'none') {
    yield* chunks;
    return;
  }
  const engine = compression === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
  let sourceError: unknown;
  // The source's own failure (a digest, a disk) is what counts, not that the engine was cut off by it.
  const source = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (error) {
      sourceError = error;
      throw error;
    }
  };
  pipeline(Readable.from(source(), { objectMode: false, highWaterMark: 1 << 20 }), engine, () => undefined);
  try {
    for await (const chunk of engine) yield chunk as Uint8Array;
  } catch (error) {
    if (sourceError !== undefined) throw sourceError;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!/^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(code)) throw error;
    const problem = code === 'Z_BUF_ERROR' ? 'it ends too early' : (error as Error).message;
    throw new StorageError('invalid', `${name} is damaged: its ${compression} data cannot be decompressed: ${problem}`, error);
  }
}
