/**
 * Writes tar archives: ustar headers, with PAX records only for what does not fit them (long or non-ASCII names, fractions of
 * seconds, big numbers, extended attributes). The same entries give the same bytes.
 */
import { readSync } from 'node:fs';
import type { ByteString } from '../../kernel/file-at.ts';
import type { TarEntry, TarEntryType } from './entry.ts';
import { BLOCK, encodeHeader, fitsOctal } from './header.ts';
import { encodePax, formatPaxTime, paxXattrRecord } from './pax.ts';

const flags: Readonly<Record<TarEntryType, string>> = { file: '0', hardlink: '1', symlink: '2', character: '3', block: '4', directory: '5', fifo: '6' };

/** The header blocks of an entry, extended header included. Its content, padded to whole blocks, is to follow. Sparse runs are not written. */
export function encodeEntry(entry: TarEntry): Buffer {
  const path = entry.type === 'directory' && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path;
  const size = entry.type === 'file' ? entry.size : 0;
  const records: [string, ByteString][] = [];
  const split = splitPath(path);
  if (!split) records.push(['path', path]);
  if (!isPlain(entry.linkTarget, 100)) records.push(['linkpath', entry.linkTarget]);
  if (!fitsOctal(size, 11)) records.push(['size', String(size)]);
  if (!fitsOctal(entry.uid, 7)) records.push(['uid', String(entry.uid)]);
  if (!fitsOctal(entry.gid, 7)) records.push(['gid', String(entry.gid)]);
  if (entry.mtime.nsec !== 0 || !fitsOctal(entry.mtime.seconds, 11)) records.push(['mtime', formatPaxTime(entry.mtime)]);
  for (const [name, value] of entry.xattrs) records.push(paxXattrRecord(name, value));

  const { mode, uid, gid, major, minor } = entry;
  const [prefix, name] = split ?? ['', path.slice(0, 100)];
  const header = encodeHeader({
    type: flags[entry.type],
    path: name,
    prefix,
    linkTarget: entry.linkTarget.slice(0, 100),
    mode,
    uid,
    gid,
    size,
    mtime: entry.mtime.seconds,
    major,
    minor,
  });
  if (records.length === 0) return header;
  const data = encodePax(records);
  const extended = encodeHeader({
    type: 'x',
    path: `PaxHeaders.0/${path.split('/').findLast((part) => part !== '') ?? ''}`.slice(0, 99),
    prefix: '',
    linkTarget: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: data.length,
    mtime: 0,
    major: 0,
    minor: 0,
  });
  return Buffer.concat([extended, data, Buffer.alloc(paddingOf(data.length)), header]);
}

/** Zero bytes that follow content of a size, up to the next block. */
export const paddingOf = (size: number): number => (BLOCK - (size % BLOCK)) % BLOCK;

// oxlint-disable-next-line no-control-regex -- ASCII is meant, control characters included
const isPlain = (name: ByteString, length: number): boolean => name.length <= length && /^[\x01-\x7f]*$/.test(name);

/** A path in a header's two fields: undefined where it does not fit. */
function splitPath(path: ByteString): [prefix: ByteString, name: ByteString] | undefined {
  if (isPlain(path, 100)) return ['', path];
  if (!isPlain(path, 256)) return undefined;
  // The last slash that leaves a name: a directory's path ends with one.
  const slash = path.lastIndexOf('/', Math.min(155, path.length - 2));
  return slash > 0 && path.length - slash - 1 <= 100 ? [path.slice(0, slash), path.slice(slash + 1)] : undefined;
}

const chunkSize = 1 << 19;

/** Puts an archive together in chunks of 512 KiB; each method yields those that are full. A yielded chunk is the receiver's. */
export class TarChunks {
  private chunk = Buffer.allocUnsafe(chunkSize);
  private used = 0;

  /** Adds an entry: the headers, and its content where that is at hand. */
  *add(entry: TarEntry, content?: Uint8Array): Generator<Buffer> {
    yield* this.bytes(encodeEntry(entry));
    if (!content) return;
    yield* this.bytes(content);
    yield* this.zeros(paddingOf(content.length));
  }

  /**
   * Adds the content of the file just added: exactly `size` bytes of an open file from its beginning, since the header has promised
   * them; one that became shorter meanwhile is filled up with zeros.
   */
  *content(fd: number, size: number): Generator<Buffer> {
    let done = 0;
    while (done < size) {
      if (this.used === chunkSize) yield this.take();
      const length = readSync(fd, this.chunk, this.used, Math.min(chunkSize - this.used, size - done), done);
      if (length === 0) break;
      this.used += length;
      done += length;
    }
    yield* this.zeros(size - done + paddingOf(size));
  }

  /** Ends the archive. */
  *end(): Generator<Buffer> {
    yield* this.zeros(2 * BLOCK);
    if (this.used > 0) yield this.take();
  }

  private *bytes(bytes: Uint8Array): Generator<Buffer> {
    for (let at = 0; at < bytes.length;) {
      if (this.used === chunkSize) yield this.take();
      const length = Math.min(bytes.length - at, chunkSize - this.used);
      this.chunk.set(bytes.subarray(at, at + length), this.used);
      this.used += length;
      at += length;
    }
  }

  private *zeros(count: number): Generator<Buffer> {
    for (let left = count; left > 0;) {
      if (this.used === chunkSize) yield this.take();
      const length = Math.min(left, chunkSize - this.used);
      this.chunk.fill(0, this.used, this.used + length);
      this.used += length;
      left -= length;
    }
  }

  private take(): Buffer {
    const full = this.chunk.subarray(0, this.used);
    this.chunk = Buffer.allocUnsafe(chunkSize);
    this.used = 0;
    return full;
  }
}
