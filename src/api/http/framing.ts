/**
 * Output of containers on the wire. With a terminal it is raw; without, each chunk has a header of 8 bytes:
 * stream (1 stdout, 2 stderr), three zeros, length as 32-bit big endian.
 */
import type { Writable } from 'node:stream';

export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Uint8Array;
}

/** Up to this size one copied buffer is cheaper than two writes. */
const copied = 16 * 1024;

/** The content type of the stream. Clients before API 1.42 know only the first. */
export function contentType(terminal: boolean, minor: number): string {
  return terminal || minor < 42 ? 'application/vnd.docker.raw-stream' : 'application/vnd.docker.multiplexed-stream';
}

/**
 * Writes all chunks to a client, no faster than it reads.
 * @returns when the output has ended, or the client has gone
 */
export async function writeOutput(target: Writable, output: AsyncIterable<OutputChunk>, terminal: boolean): Promise<void> {
  for await (const { stream, data } of output) {
    if (target.destroyed) return;
    if (!(terminal ? target.write(data) : writeFrame(target, stream, data))) await drained(target);
  }
}

function writeFrame(target: Writable, stream: 'stdout' | 'stderr', data: Uint8Array): boolean {
  const header = Buffer.allocUnsafe(data.length <= copied ? 8 + data.length : 8);
  header.writeUInt32BE(stream === 'stdout' ? 0x01000000 : 0x02000000, 0);
  header.writeUInt32BE(data.length, 4);
  if (data.length <= copied) {
    header.set(data, 8);
    return target.write(header);
  }
  // Not corked: a corked response forgets that somebody waits for it to drain. It joins what is written in one turn anyway.
  const free = target.write(header);
  return target.write(data) && free;
}

/** Resolves when a stream takes more, or is gone. */
export function drained(target: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (target.destroyed || !target.writableNeedDrain) return resolve();
    const done = (): void => {
      target.off('drain', done).off('close', done);
      resolve();
    };
    target.on('drain', done).on('close', done);
  });
}
