/**
 * Reads a container's log back: all of it or the last lines, between two times, once or for as long as the container writes.
 * Output comes in chunks of many lines, straight from the file where no timestamps are asked for. Each reader goes at its own pace
 * and holds one block; a slow one costs the writer nothing, and misses what rotation deletes meanwhile.
 */
import type { FileHandle } from 'node:fs/promises';
import type { LogOptions } from './engine.ts';
import { type LogChunk, LineWalker } from './logs-lines.ts';
import { headerSize, maximalPayload, trailerSize } from './logs-record.ts';
import { endOfFile, openLogFile, placeOfTail } from './logs-tail.ts';
import { type LogFiles, logSequences } from './logs-writer.ts';
import { now } from './time.ts';

const blockSize = 4 * (headerSize + maximalPayload + trailerSize);

/**
 * The log in a directory, oldest first; nothing when there is none.
 * @param signal ends the reading, without an error
 * @param live the container's writer while it runs; without it `follow` ends at the end
 */
export async function* readLog(directory: string, options: LogOptions, signal: AbortSignal, live?: LogFiles): AsyncGenerator<LogChunk, void> {
  const sequences = logSequences(directory);
  const tail = options.tail === undefined ? undefined : await placeOfTail(directory, sequences, options, live);
  const lines = new LineWalker(options, tail?.index ?? 0, tail !== undefined);
  const cursor = new LogCursor(directory, options, signal, live);
  cursor.place(tail?.sequence ?? sequences[0] ?? 1, tail?.offset ?? 0);
  try {
    while (!lines.done) {
      const block = await cursor.read();
      if (!block) return;
      const { chunks, used } = lines.take(block);
      cursor.advance(used);
      for (const chunk of chunks) {
        if (signal.aborted) return;
        yield chunk;
      }
    }
  } finally {
    await cursor.close();
  }
}

/** A place in the log's files that moves forward from file to file and, when following, waits at the end. */
class LogCursor {
  readonly #directory: string;
  readonly #options: LogOptions;
  readonly #signal: AbortSignal;
  readonly #live: LogFiles | undefined;
  /** Without `follow`: what is written after the reading began is left out, so that a flood cannot make it endless. */
  readonly #last: { readonly sequence: number; readonly position: number } | undefined;
  #sequence = 0;
  #offset = 0;
  #file: FileHandle | undefined;
  /** End of a file that nobody writes any more, once known. */
  #end: number | undefined;
  /** There is no whole record where there should be one: something else wrote to the file. */
  #damaged = false;

  constructor(directory: string, options: LogOptions, signal: AbortSignal, live: LogFiles | undefined) {
    this.#directory = directory;
    this.#options = options;
    this.#signal = signal;
    this.#live = live;
    this.#last = live && !options.follow && live.sequence > 0 ? { sequence: live.sequence, position: live.position } : undefined;
  }

  place(sequence: number, offset: number): void {
    this.#sequence = sequence;
    this.#offset = offset;
  }

  advance(bytes: number): void {
    this.#offset += bytes;
    this.#damaged = bytes === 0;
  }

  /** The next bytes, from a record's beginning; undefined at the end. */
  async read(): Promise<Buffer | undefined> {
    while (!this.#signal.aborted) {
      // Asked before looking at the end: what is written or closed from here on wakes the wait below.
      const more = this.#options.follow && this.#live && !this.#live.closed ? this.#live.changed : undefined;
      this.#file ??= await openLogFile(this.#directory, this.#sequence);
      const limit = this.#file ? await this.#limit(this.#file) : 0;
      if (this.#file && this.#offset < limit) {
        const block = Buffer.allocUnsafeSlow(Math.min(blockSize, limit - this.#offset));
        const { bytesRead } = await this.#file.read(block, 0, block.length, this.#offset);
        return block.subarray(0, bytesRead);
      }
      if (!(await this.#next()) && !(await this.#change(more))) return undefined;
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  /** Up to where the current file may be read now. */
  async #limit(file: FileHandle): Promise<number> {
    if (this.#damaged) return this.#offset;
    if (this.#last?.sequence === this.#sequence) return this.#last.position;
    if (this.#live && this.#live.sequence <= this.#sequence) return endOfFile(file, this.#sequence, this.#live);
    this.#end ??= await endOfFile(file, this.#sequence, undefined);
    return this.#end;
  }

  /** Goes to the next file, if there is one. */
  async #next(): Promise<boolean> {
    const next =
      this.#live && this.#live.sequence === this.#sequence
        ? undefined
        : logSequences(this.#directory).find((sequence) => sequence > this.#sequence && sequence <= (this.#last?.sequence ?? Infinity));
    if (next === undefined) return false;
    // The last writes to this file may have come after the look at its end: look again now that a later file is known.
    if (this.#file && this.#end === undefined && !this.#damaged) {
      this.#end = await endOfFile(this.#file, this.#sequence, undefined);
      if (this.#end > this.#offset) return true;
    }
    await this.close();
    this.place(next, 0);
    this.#end = undefined;
    this.#damaged = false;
    return true;
  }

  /** Waits for the writer, where there may be more; false when nothing more will come. */
  async #change(more: Promise<void> | undefined): Promise<boolean> {
    if (!more || this.#signal.aborted) return false;
    const { until } = this.#options;
    const remaining = until === undefined ? undefined : Number((until - now()) / 1_000_000n);
    if (remaining !== undefined && remaining < 0) return false;
    const stop = Promise.withResolvers<void>();
    const timer = remaining === undefined ? undefined : setTimeout(stop.resolve, Math.min(remaining + 1, 0x7fff_ffff));
    const abort = (): void => stop.resolve();
    this.#signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([more, stop.promise]);
    } finally {
      this.#signal.removeEventListener('abort', abort);
      clearTimeout(timer);
    }
    return true;
  }
}
