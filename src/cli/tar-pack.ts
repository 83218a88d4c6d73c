/** Packs files of the client's into a tar stream: the source of `hako cp` into a container, and of an OCI layout directory. */
import { createReadStream, lstatSync, readdirSync, readlinkSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { CommandError } from './command.ts';
import { blockSize, encodeHeader, padding, type EntryType } from './tar-header.ts';

export interface PackOptions {
  /** Write the files' owners; root otherwise. */
  readonly owners?: boolean;
  /** Where the path itself is a symbolic link, pack what it points to. */
  readonly follow?: boolean;
}

/**
 * @param path a file or directory
 * @param name what it is called in the archive; `.` for the contents of a directory
 */
export function packTree(path: string, name: string, options: PackOptions = {}): Readable {
  return Readable.from(packed(path, name, options), { objectMode: false, highWaterMark: 1 << 20 });
}

async function* packed(path: string, name: string, options: PackOptions): AsyncGenerator<Buffer> {
  const seen = new Map<string, string>();
  yield* pack(path, name, options.follow ?? false);
  yield Buffer.alloc(2 * blockSize);

  async function* pack(from: string, as: string, follow: boolean): AsyncGenerator<Buffer> {
    const stat = follow ? statSync(from) : lstatSync(from);
    const type = typeOf(stat);
    if (!type) return; // a socket has no form in an archive
    const identity = `${stat.dev}:${stat.ino}`;
    const first = stat.nlink > 1 && type !== 'directory' ? seen.get(identity) : undefined;
    if (stat.nlink > 1 && !first) seen.set(identity, as);
    const size = type === 'file' && !first ? stat.size : 0;
    yield encodeHeader({
      name: type === 'directory' ? `${as}/` : as,
      type: first ? 'link' : type,
      mode: stat.mode & 0o7777,
      uid: options.owners ? stat.uid : 0,
      gid: options.owners ? stat.gid : 0,
      size,
      mtime: stat.mtimeMs / 1000,
      linkName: first ?? (type === 'symlink' ? readlinkSync(from) : ''),
      major: type === 'character' || type === 'block' ? Math.floor(stat.rdev / 256) & 0xfff : 0,
      minor: type === 'character' || type === 'block' ? (stat.rdev & 0xff) | (Math.floor(stat.rdev / 4096) & 0xfff00) : 0,
    });
    if (size > 0) yield* content(from, size);
    if (type === 'directory') for (const entry of readdirSync(from).sort()) yield* pack(join(from, entry), `${as}/${entry}`, false);
  }
}

/** Exactly as many bytes as the header says, whatever happens to the file meanwhile. */
async function* content(path: string, size: number): AsyncGenerator<Buffer> {
  let read = 0;
  for await (const chunk of createReadStream(path, { end: size - 1, highWaterMark: 1 << 20 })) {
    read += (chunk as Buffer).length;
    yield chunk as Buffer;
  }
  if (read < size) throw new CommandError(`${path} became shorter while it was read`);
  yield padding(size);
}

function typeOf(stat: Stats): EntryType | undefined {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'directory';
  if (stat.isSymbolicLink()) return 'symlink';
  if (stat.isCharacterDevice()) return 'character';
  if (stat.isBlockDevice()) return 'block';
  return stat.isFIFO() ? 'fifo' : undefined;
}
