/**
 * Reads a tar archive as its bytes come: give it chunks of any size, it calls back with entries and their content.
 * It is synchronous, so it runs as well in a worker thread, and it copies no content. What it keeps in memory is
 * bounded, whatever the archive says: 1 MiB an extended header or long name, 1 MiB of global records, a million sparse runs.
 *
 * Understands v7, ustar, GNU (long names, sparse), star and PAX (extended and global headers, sparse 0.0, 0.1, 1.0).
 */
import type { ByteString } from '../../kernel/file-at.ts';
import { makeEntry } from './entry-header.ts';
import type { SparseRun, TarEntry } from './entry.ts';
import { tarError } from './error.ts';
import { BLOCK, isZeroBlock, parseGnuSparse, parseHeader, parseNumber, type RawHeader } from './header.ts';
import { parsePax, type PaxRecords } from './pax.ts';
import { checkSparse, maxSparseRuns, SparseMapBlocks } from './sparse.ts';

/** The most bytes of one extended header or long name, and of all global records together. */
const maxExtendedHeader = 1 << 20;

/** Who receives an archive's entries: `entry`, `data` (any number of times, for a file), `endEntry`. */
export interface TarSink {
  entry(entry: TarEntry): void;
  /**
   * @param bytes some content; valid during the call only
   * @param position where in the file they belong; without holes, just where the last ones ended
   */
  data(bytes: Uint8Array, position: number): void;
  endEntry(): void;
}

/** What the next bytes of the archive are. */
type State = 'header' | 'extended' | 'gnu-sparse' | 'sparse-map' | 'content' | 'padding' | 'ended';

export class TarReader {
  /** Entries begun so far; extended headers are part of theirs. */
  entries = 0;
  private readonly sink: TarSink;
  private state: State = 'header';
  private offset = 0; // of the next byte in the archive
  private headerOffset = 0; // of the entry's first header
  private path: ByteString = ''; // of the last entry, for messages
  private zeroBlocks = 0;
  private readonly carry = Buffer.alloc(BLOCK); // a block that is spread over chunks
  private carried = 0;

  // What is read before an entry is known
  private raw: RawHeader | undefined;
  private extended: { type: string; parts: Buffer[] } | undefined;
  private hasExtensions = false;
  private records: PaxRecords = new Map();
  private globals: PaxRecords = new Map();
  private longPath: ByteString | undefined;
  private longLink: ByteString | undefined;
  private gnuSparse: { runs: SparseRun[]; size: number } | undefined;
  private map: SparseMapBlocks | undefined;
  private mapped: TarEntry | undefined; // waits for its map

  // Where in the content we are
  private left = 0; // bytes of content, extended header or padding that are still to come
  private padding = 0; // bytes after these, up to the next block
  private position = 0;
  private runs: readonly SparseRun[] | undefined;
  private run = 0;

  constructor(sink: TarSink) {
    this.sink = sink;
  }

  /** Takes the next bytes. @throws StorageError when the archive is bad; whatever the sink throws */
  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.length && this.state !== 'ended';) {
      const used = this.step(bytes, at);
      at += used;
      this.offset += used;
    }
  }

  /** Says that there are no more bytes. @throws StorageError when the archive is cut off */
  end(): void {
    // An archive without its end mark is accepted, as everybody does; one that stops inside an entry is not.
    const between = this.state === 'header' && this.carried === 0 && !this.hasExtensions;
    if (this.state !== 'ended' && !between) throw this.bad(`the archive is cut off after ${this.offset} bytes`);
  }

  private bad(why: string): Error {
    return tarError({ offset: this.headerOffset, entry: Math.max(1, this.entries), path: this.path }, why);
  }

  /** Reads something from `bytes` at `at`; returns how many bytes it used. */
  private step(bytes: Buffer, at: number): number {
    const available = Math.min(this.left, bytes.length - at);
    switch (this.state) {
      case 'content':
        this.content(bytes.subarray(at, at + available));
        break;
      case 'extended':
        this.extended!.parts.push(Buffer.from(bytes.subarray(at, at + available)));
        break;
      case 'padding':
        break;
      default:
        return this.block(bytes, at);
    }
    this.left -= available;
    if (this.left === 0) this.next();
    return available;
  }

  /** Collects a whole block and reads it. */
  private block(bytes: Buffer, at: number): number {
    if (this.carried === 0 && bytes.length - at >= BLOCK) {
      this.onBlock(bytes.subarray(at, at + BLOCK));
      return BLOCK;
    }
    const used = bytes.copy(this.carry, this.carried, at, Math.min(bytes.length, at + BLOCK - this.carried));
    this.carried += used;
    if (this.carried === BLOCK) {
      this.carried = 0;
      this.onBlock(this.carry);
    }
    return used;
  }

  private onBlock(block: Buffer): void {
    if (this.state === 'header') this.onHeader(block);
    else if (this.state === 'gnu-sparse') this.onGnuSparse(block, 0, 21, block[504]!);
    else this.onMap(block);
  }

  /** Reads `size` bytes of what `state` says, then their padding. */
  private begin(state: State, size: number): void {
    this.state = state;
    this.left = size;
    this.padding = (BLOCK - (size % BLOCK)) % BLOCK;
    if (size === 0) this.next();
  }

  /** All bytes of the present state are read. */
  private next(): void {
    if (this.state === 'extended') this.onExtended();
    if (this.state === 'content') this.sink.endEntry();
    this.left = this.padding;
    this.padding = 0;
    this.state = this.left ? 'padding' : 'header';
  }

  private onHeader(block: Buffer): void {
    if (isZeroBlock(block)) {
      if (this.hasExtensions) throw this.bad('an extended header is followed by the end of the archive instead of its entry');
      if (++this.zeroBlocks === 2) this.state = 'ended';
      return;
    }
    if (!this.hasExtensions) {
      this.headerOffset = this.offset - (this.offset % BLOCK);
      this.entries++;
    }
    const header = parseHeader(block);
    if (typeof header === 'string') throw this.bad(this.headerOffset === 0 && !this.hasExtensions ? `it is no tar archive: ${header}` : header);
    if (this.zeroBlocks) throw this.bad('it stands after the mark of the end');
    if (header.size < 0) throw this.bad(`its size is negative (${header.size})`);
    if ('xXgLK'.includes(header.type)) {
      if (header.size > maxExtendedHeader) throw this.bad(`its extended header has ${header.size} bytes; at most ${maxExtendedHeader} are accepted`);
      this.extended = { type: header.type, parts: [] };
      this.hasExtensions = true;
      this.begin('extended', header.size);
    } else if (header.type === 'V') {
      this.forgetExtensions(); // a label of the archive: nothing to extract
      this.begin('padding', header.size);
    } else {
      this.path = header.path;
      this.raw = header;
      if (header.type !== 'S') return this.onEntry();
      const size = parseNumber(block, 483, 12);
      if (size === undefined || size < 0) throw this.bad('its sparse size is not a number');
      this.gnuSparse = { runs: [], size };
      this.onGnuSparse(block, 386, 4, block[482]!);
    }
  }

  private onExtended(): void {
    const { type, parts } = this.extended!;
    this.extended = undefined;
    const data = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
    if (type === 'L' || type === 'K') {
      const end = data.indexOf(0);
      const name = data.toString('latin1', 0, end < 0 ? data.length : end);
      if (type === 'L') this.longPath = name;
      else this.longLink = name;
      return;
    }
    if (type !== 'g') this.records = new Map(); // a second extended header replaces the first, which also bounds them
    const wrong = parsePax(data, type === 'g' ? this.globals : this.records);
    if (wrong) throw this.bad(wrong);
    if (type !== 'g') return;
    this.hasExtensions = this.records.size > 0 || this.longPath !== undefined || this.longLink !== undefined;
    if (!this.hasExtensions) this.entries--;
    let size = 0;
    for (const [key, value] of this.globals) size += key.length + value.length;
    if (size > maxExtendedHeader) throw this.bad(`its global headers together have more than ${maxExtendedHeader} bytes`);
  }

  private onGnuSparse(block: Buffer, start: number, pairs: number, more: number): void {
    const sparse = this.gnuSparse!;
    if (!parseGnuSparse(block, start, pairs, sparse.runs)) throw this.bad('its sparse map is malformed');
    if (sparse.runs.length > maxSparseRuns) throw this.bad(`its sparse map has more than ${maxSparseRuns} runs`);
    if (more) this.state = 'gnu-sparse';
    else this.onEntry();
  }

  /** The headers of an entry are complete. */
  private onEntry(): void {
    const { longPath, longLink, gnuSparse } = this;
    const records = this.globals.size ? new Map([...this.globals, ...this.records]) : this.records;
    const made = makeEntry(this.raw!, { records, longPath, longLink, gnuSparse });
    this.path = longPath ?? records.get('path') ?? this.path;
    if (typeof made === 'string') throw this.bad(made);
    this.forgetExtensions();
    if (made.mapFirst) {
      this.mapped = made.entry;
      this.map = new SparseMapBlocks();
      this.left = made.stored;
      this.state = 'sparse-map';
    } else this.onContent(made.entry, made.stored);
  }

  private forgetExtensions(): void {
    this.hasExtensions = false;
    if (this.records.size) this.records = new Map();
    this.longPath = this.longLink = this.gnuSparse = undefined;
  }

  private onMap(block: Buffer): void {
    const runs = this.left < BLOCK ? null : this.map!.add(block);
    this.left -= BLOCK;
    if (runs === undefined) return;
    const wrong = runs === null ? 'its sparse map is malformed' : checkSparse(runs, this.mapped!.size, this.left);
    if (wrong) throw this.bad(wrong);
    this.onContent({ ...this.mapped!, sparse: runs! }, this.left);
  }

  private onContent(entry: TarEntry, stored: number): void {
    this.sink.entry(entry);
    this.position = 0;
    this.run = 0;
    this.runs = entry.sparse;
    if (entry.type !== 'file') this.sink.endEntry();
    this.begin(entry.type === 'file' ? 'content' : 'padding', stored);
  }

  private content(bytes: Buffer): void {
    if (!this.runs) {
      this.sink.data(bytes, this.position);
      this.position += bytes.length;
      return;
    }
    for (let at = 0; at < bytes.length;) {
      const run = this.runs[this.run]!;
      const used = Math.min(bytes.length - at, run.length - this.position);
      if (used > 0) this.sink.data(bytes.subarray(at, at + used), run.offset + this.position);
      at += used;
      this.position += used;
      if (this.position === run.length) {
        this.run++;
        this.position = 0;
      }
    }
  }
}
