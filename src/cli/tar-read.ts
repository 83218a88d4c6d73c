/** Reads a tar stream entry by entry: the output of `hako cp` out of a container. The archive is not trusted. */
import type { Readable } from 'node:stream';
import { blockSize, decodeHeader, decodePax, type TarEntry } from './tar-header.ts';

export interface ReadEntry {
  readonly entry: TarEntry;
  /** The data; what of it is not read is skipped. */
  readonly data: AsyncIterable<Buffer>;
}

/** Names longer than this are no names. */
const longestHeader = 1 << 20;

/** @throws Error when the archive is damaged or ends too early */
export async function* readTar(stream: Readable): AsyncGenerator<ReadEntry> {
  const source = byteSource(stream);
  let overrides = new Map<string, string>();
  for (;;) {
    const block = await source.exactly(blockSize, true);
    if (!block || block.every((byte) => byte === 0)) break;
    const header = decodeHeader(block);
    if ('xgLK'.includes(header.flag)) {
      if (header.size > longestHeader) throw new Error('the archive is damaged: an extended header is too long');
      const data = (await source.exactly(header.size))!;
      await source.skip(paddingOf(header.size));
      const name = (): string => data.toString('utf8').replace(/\0.*$/s, '');
      if (header.flag === 'x') overrides = new Map([...overrides, ...decodePax(data)]);
      else if (header.flag === 'L') overrides.set('path', name());
      else if (header.flag === 'K') overrides.set('linkpath', name());
      continue;
    }
    const entry = withOverrides(header, overrides);
    overrides = new Map();
    let left = entry.type === 'file' ? entry.size : 0;
    const data = (async function* () {
      while (left > 0) {
        const chunk = await source.some(left);
        left -= chunk.length;
        yield chunk;
      }
    })();
    yield { entry, data };
    await source.skip(left);
    left = 0;
    if (entry.type === 'file') await source.skip(paddingOf(entry.size));
  }
  await source.drain();
}

const paddingOf = (size: number): number => (blockSize - (size % blockSize)) % blockSize;

function withOverrides(header: TarEntry, pax: ReadonlyMap<string, string>): TarEntry {
  const number = (key: string, otherwise: number): number => {
    const value = pax.get(key);
    return value === undefined || !Number.isFinite(Number(value)) || Number(value) < 0 ? otherwise : Number(value);
  };
  return {
    ...header,
    name: pax.get('path') ?? header.name,
    linkName: pax.get('linkpath') ?? header.linkName,
    size: number('size', header.size),
    uid: number('uid', header.uid),
    gid: number('gid', header.gid),
    mtime: number('mtime', header.mtime),
  };
}

/** Cuts a stream's chunks into the pieces that are asked for. */
function byteSource(stream: Readable) {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);

  /** Makes `rest` not empty. @returns false at the end of the stream */
  async function fill(): Promise<boolean> {
    while (rest.length === 0) {
      const next = await chunks.next();
      if (next.done) return false;
      rest = next.value;
    }
    return true;
  }
  async function some(most: number): Promise<Buffer> {
    if (!(await fill())) throw new Error('the archive ends too early');
    const piece = rest.subarray(0, most);
    rest = rest.subarray(piece.length);
    return piece;
  }
  return {
    some,
    /** @param mayEnd the end of the stream, here, is no error: the answer is undefined */
    async exactly(size: number, mayEnd = false): Promise<Buffer | undefined> {
      if (mayEnd && !(await fill())) return undefined;
      const pieces: Buffer[] = [];
      for (let left = size; left > 0; left -= pieces.at(-1)!.length) pieces.push(await some(left));
      return Buffer.concat(pieces);
    },
    async skip(size: number): Promise<void> {
      for (let left = size; left > 0;) left -= (await some(left)).length;
    },
    async drain(): Promise<void> {
      rest = Buffer.alloc(0);
      while (await fill()) rest = Buffer.alloc(0);
    },
  };
}
