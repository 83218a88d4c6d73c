/**
 * One record of a container's log file: what was read from a stream in one go, raw, between a header and a trailer.
 *
 *     0  u16  'HL'                                (little endian throughout)
 *     2  u8   stream: 1 stdout, 2 stderr
 *     3  u8   flags: 1 = the first byte continues a line of the same stream
 *     4  u32  length of the payload
 *     8  u64  nanoseconds since the epoch
 *    16       payload
 *     …  u32  length again, u32 its complement   (so that a file can be walked backwards, and a torn end is seen)
 *
 * Lines are found when reading, since most of a log is never read. Why this and not a JSON object a line: docs/decisions/logs.md.
 */
import { readSync } from 'node:fs';

export const headerSize = 16;
export const trailerSize = 8;
/** More than this in one write becomes several records, so that a reader's block always holds a whole one. */
export const maximalPayload = 128 * 1024;

const magic = 0x4c48;
const continuesFlag = 1;

export type LogStream = 'stdout' | 'stderr';

/** Where a record lies in a buffer, and what its header says. */
export interface RecordView {
  readonly stream: LogStream;
  /** The first byte continues a line that an earlier record of the stream began. */
  readonly continues: boolean;
  readonly time: bigint;
  /** Of the payload, within the buffer. */
  readonly start: number;
  readonly end: number;
}

/** Puts a record into `target` at 0; answers its size in bytes. The payload is at most `maximalPayload`. */
export function encodeRecord(target: Buffer, stream: LogStream, continues: boolean, time: bigint, payload: Uint8Array): number {
  const { length } = payload;
  target.writeUInt16LE(magic, 0);
  target[2] = stream === 'stdout' ? 1 : 2;
  target[3] = continues ? continuesFlag : 0;
  target.writeUInt32LE(length, 4);
  target.writeBigUInt64LE(time, 8);
  target.set(payload, headerSize);
  target.writeUInt32LE(length, headerSize + length);
  target.writeUInt32LE(~length >>> 0, headerSize + length + 4);
  return headerSize + length + trailerSize;
}

/** The record that begins at `at`, or undefined when what lies there, up to `limit`, is not a whole one. */
export function recordAt(buffer: Buffer, at: number, limit: number): RecordView | undefined {
  if (at + headerSize + trailerSize > limit || buffer.readUInt16LE(at) !== magic) return undefined;
  const length = buffer.readUInt32LE(at + 4);
  const start = at + headerSize;
  const end = start + length;
  if (length > maximalPayload || end + trailerSize > limit) return undefined;
  if (buffer.readUInt32LE(end) !== length || buffer.readUInt32LE(end + 4) !== ~length >>> 0) return undefined;
  return {
    stream: buffer[at + 2] === 2 ? 'stderr' : 'stdout',
    continues: ((buffer[at + 3] ?? 0) & continuesFlag) !== 0,
    time: buffer.readBigUInt64LE(at + 8),
    start,
    end,
  };
}

/** Where the record begins that ends (trailer and all) at `limit`; undefined when no whole one does, or it begins before the buffer. */
export function recordBefore(buffer: Buffer, limit: number): number | undefined {
  if (limit < headerSize + trailerSize) return undefined;
  const length = buffer.readUInt32LE(limit - trailerSize);
  if (length > maximalPayload || buffer.readUInt32LE(limit - 4) !== ~length >>> 0) return undefined;
  const at = limit - trailerSize - length - headerSize;
  return at >= 0 && recordAt(buffer, at, limit) ? at : undefined;
}

/**
 * Where the whole records of a file end. What lies behind is the torn end of a write that a SIGKILL or a full disk cut short.
 * Looks at the last record only; the file is walked from its beginning where that one is not whole.
 * @param size of the file in bytes
 */
export function endOfRecords(descriptor: number, size: number): number {
  const window = Math.min(size, maximalPayload + headerSize + trailerSize);
  const tail = Buffer.allocUnsafe(window);
  if (readSync(descriptor, tail, 0, window, size - window) === window && recordBefore(tail, window) !== undefined) return size;
  const block = Buffer.allocUnsafe(2 * (maximalPayload + headerSize + trailerSize));
  for (let position = 0; ;) {
    const count = readSync(descriptor, block, 0, Math.min(block.length, size - position), position);
    let at = 0;
    for (let record = recordAt(block, at, count); record; record = recordAt(block, at, count)) at = record.end + trailerSize;
    if (at === 0) return position;
    position += at;
  }
}
