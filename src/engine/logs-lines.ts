/** Turns blocks of log records into what a client sees: streams chosen, times bounded, timestamps before lines. */
import type { LogOptions } from './engine.ts';
import { type LogStream, recordAt, type RecordView, trailerSize } from './logs-record.ts';
import { rfc3339 } from './time.ts';

/** Output of one stream: whole lines or parts of them. */
export interface LogChunk {
  readonly stream: LogStream;
  readonly data: Uint8Array;
}

const newline = 10;
/** `2006-01-02T15:04:05.000000000Z `. */
const timestampSize = 31;

/**
 * Walks records in order. A line has the time of the record in which it begins; the rest of a line whose beginning was left out
 * (before `since`, or before the last n lines) is left out too.
 */
export class LineWalker {
  readonly #options: LogOptions;
  /** Where in the very first record's payload to begin. */
  #firstIndex: number;
  readonly #cutting: Record<LogStream, boolean>;
  readonly #midLine = { stdout: false, stderr: false };
  #done = false;

  /**
   * @param firstIndex where in the first record to begin
   * @param cut leave out the rest of lines that began before the first record
   */
  constructor(options: LogOptions, firstIndex: number, cut: boolean) {
    this.#options = options;
    this.#firstIndex = firstIndex;
    const cutting = cut || options.since !== undefined;
    this.#cutting = { stdout: cutting, stderr: cutting };
  }

  /** A record after `until` was seen: there is no more to come. */
  get done(): boolean {
    return this.#done;
  }

  /**
   * Takes the whole records at the beginning of the block; chunks may lie in the block's own memory, which is overwritten.
   * @returns `used`: how many bytes of the block that were; 0 when there is no whole record
   */
  take(block: Buffer): { readonly chunks: readonly LogChunk[]; readonly used: number } {
    const { since, until, timestamps } = this.#options;
    const runs = timestamps ? new StampedRuns(this.#midLine) : new RawRuns(block);
    let used = 0;
    for (let record = recordAt(block, 0, block.length); record; record = recordAt(block, used, block.length)) {
      if (until !== undefined && record.time > until) {
        this.#done = true;
        break;
      }
      used = record.end + trailerSize;
      const index = this.#firstIndex;
      this.#firstIndex = 0;
      if (!this.#options[record.stream] || (since !== undefined && record.time < since)) continue;
      const start = this.#start(block, record, index);
      if (start < record.end) runs.add(block, record, start);
    }
    return { chunks: runs.finish(), used };
  }

  /** Where the wanted part of a record's payload begins; its end when nothing is wanted. */
  #start(block: Buffer, record: RecordView, index: number): number {
    const { stream } = record;
    if (!this.#cutting[stream]) return record.start;
    if (index > 0 || !record.continues) {
      this.#cutting[stream] = false;
      return record.start + index;
    }
    const found = block.subarray(record.start, record.end).indexOf(newline);
    if (found < 0) return record.end;
    this.#cutting[stream] = false;
    return record.start + found + 1;
  }
}

/** Joins the payloads of neighbouring records of one stream by moving them together inside the block. */
class RawRuns {
  readonly #block: Buffer;
  readonly #chunks: LogChunk[] = [];
  #stream: LogStream = 'stdout';
  #from = 0;
  #to = 0;

  constructor(block: Buffer) {
    this.#block = block;
  }

  add(block: Buffer, record: RecordView, start: number): void {
    if (record.stream !== this.#stream || this.#to === 0) {
      this.#flush();
      this.#stream = record.stream;
      this.#from = start;
      this.#to = record.end;
      return;
    }
    block.copyWithin(this.#to, start, record.end);
    this.#to += record.end - start;
  }

  finish(): readonly LogChunk[] {
    this.#flush();
    return this.#chunks;
  }

  #flush(): void {
    if (this.#to > this.#from) this.#chunks.push({ stream: this.#stream, data: this.#block.subarray(this.#from, this.#to) });
  }
}

/** Copies payloads with the time before each line. */
class StampedRuns {
  readonly #chunks: LogChunk[] = [];
  readonly #midLine: Record<LogStream, boolean>;
  #stream: LogStream = 'stdout';
  #data = Buffer.alloc(0);
  #from = 0;
  #to = 0;

  constructor(midLine: Record<LogStream, boolean>) {
    this.#midLine = midLine;
  }

  add(block: Buffer, record: RecordView, start: number): void {
    const { stream, end } = record;
    if (stream !== this.#stream) {
      this.#flush();
      this.#stream = stream;
    }
    const stamp = Buffer.from(`${rfc3339(record.time)} `, 'latin1');
    const payload = block.subarray(start, end);
    for (let at = 0; at < payload.length;) {
      const next = payload.indexOf(newline, at) + 1 || payload.length;
      this.#reserve(timestampSize + next - at, block.length);
      if (!this.#midLine[stream]) this.#to += stamp.copy(this.#data, this.#to);
      this.#to += payload.copy(this.#data, this.#to, at, next);
      this.#midLine[stream] = payload[next - 1] !== newline;
      at = next;
    }
  }

  finish(): readonly LogChunk[] {
    this.#flush();
    return this.#chunks;
  }

  /** Room for one line more: a full buffer becomes a chunk, since chunks must not be overwritten once given away. */
  #reserve(size: number, usual: number): void {
    if (this.#to + size <= this.#data.length) return;
    this.#flush();
    this.#data = Buffer.allocUnsafeSlow(Math.max(size, usual));
    this.#from = 0;
    this.#to = 0;
  }

  #flush(): void {
    if (this.#to > this.#from) this.#chunks.push({ stream: this.#stream, data: this.#data.subarray(this.#from, this.#to) });
    this.#from = this.#to;
  }
}
