/**
 * Writes a container's output to its log files: `DIR/log.1`, `DIR/log.2`, … where the highest number is the current one, files are never renamed
 * (so a reader that follows just goes on to the next number), and the oldest is deleted when there are more than `maxFile`.
 *
 * A write is one synchronous write(2) into the page cache: it is on its way when the call returns, whatever happens to the engine, and nothing
 * is queued, so a flood cannot make the engine grow; the container that floods waits in its pipe.
 */
import { closeSync, constants, fstatSync, ftruncateSync, mkdirSync, openSync, readdirSync, unlink, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LogLimits } from './logs-options.ts';
import { encodeRecord, endOfRecords, headerSize, type LogStream, maximalPayload, trailerSize } from './logs-record.ts';
import { now } from './time.ts';

const newline = 10;
/** Log files are ours: nobody may have put a link in their place. */
export const openFlags = { read: constants.O_RDONLY | constants.O_NOFOLLOW, write: constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW };

/** Shared by all writers: a record is built here and written before anything else can run. */
const scratch = Buffer.allocUnsafeSlow(headerSize + maximalPayload + trailerSize);

/** Takes a container's output while it runs. */
export interface LogWriter {
  /**
   * Appends what was read from a stream. Never throws for the disk: what cannot be written is lost, and `onError` hears of it once.
   * @param time nanoseconds since the epoch; absent: now
   */
  write(stream: LogStream, chunk: Uint8Array, time?: bigint): void;
  /** No more output: followers end. */
  close(): void;
}

/** For driver `none`. */
export const nullLog: LogWriter = { write: () => undefined, close: () => undefined };

/** The numbers of the log files in a directory, rising; none when the directory is not there. */
export function logSequences(directory: string): number[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return names
    .filter((name) => /^log\.\d{1,15}$/.test(name))
    .map((name) => Number(name.slice(4)))
    .sort((one, other) => one - other);
}

/** Path of the log file with that number. */
export function logPath(directory: string, sequence: number): string {
  return join(directory, `log.${sequence}`);
}

/** The writer of drivers `json-file` and `local`. Opens nothing before the first write, so a container without output costs nothing. */
export class LogFiles implements LogWriter {
  readonly directory: string;
  readonly #limits: LogLimits;
  readonly #onError: (message: string) => void;
  #descriptor = -1;
  #sequence = 0;
  #position = 0;
  #oldest = 1;
  #closed = false;
  #failed = false;
  readonly #midLine = { stdout: false, stderr: false };
  #changed = Promise.withResolvers<void>();
  #awaited = false;

  constructor(directory: string, limits: LogLimits, onError: (message: string) => void) {
    this.directory = directory;
    this.#limits = limits;
    this.#onError = onError;
  }

  /** Number of the current file, 0 before the first write, and how many bytes of it are whole records. */
  get sequence(): number {
    return this.#sequence;
  }
  get position(): number {
    return this.#position;
  }
  get closed(): boolean {
    return this.#closed;
  }

  /** Resolves at the next write, or when the log is closed. */
  get changed(): Promise<void> {
    this.#awaited = true;
    return this.#changed.promise;
  }

  write(stream: LogStream, chunk: Uint8Array, time: bigint = now()): void {
    if (this.#closed) return;
    for (let at = 0; at < chunk.length; at += maximalPayload) {
      const payload = chunk.length <= maximalPayload ? chunk : chunk.subarray(at, at + maximalPayload);
      try {
        this.#append(stream, payload, time);
        this.#failed = false;
      } catch (error) {
        if (!this.#failed) this.#onError(`Output is lost: writing the log ${logPath(this.directory, this.#sequence)} failed: ${(error as Error).message}.`);
        this.#failed = true;
      }
      this.#midLine[stream] = payload[payload.length - 1] !== newline;
    }
    this.#announce();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#descriptor >= 0) closeSync(this.#descriptor);
    this.#descriptor = -1;
    this.#announce();
  }

  #append(stream: LogStream, payload: Uint8Array, time: bigint): void {
    if (this.#descriptor < 0) this.#open();
    const size = headerSize + payload.length + trailerSize;
    if (this.#position > 0 && this.#position + size > this.#limits.maxSize) this.#rotate();
    encodeRecord(scratch, stream, this.#midLine[stream], time, payload);
    let written = 0;
    try {
      written = writeSync(this.#descriptor, scratch, 0, size, this.#position);
      if (written !== size) throw new Error(`only ${written} of ${size} bytes were taken`);
    } catch (error) {
      ftruncateSync(this.#descriptor, this.#position);
      throw error;
    }
    this.#position += size;
  }

  /** Goes on in the newest file that is there, behind its last whole record. */
  #open(): void {
    const sequences = logSequences(this.directory);
    if (sequences.length === 0) makeDirectory(this.directory);
    this.#oldest = sequences[0] ?? 1;
    this.#sequence = sequences.at(-1) ?? 1;
    this.#descriptor = openSync(logPath(this.directory, this.#sequence), openFlags.write, 0o600);
    const { size } = fstatSync(this.#descriptor);
    this.#position = size === 0 ? 0 : endOfRecords(this.#descriptor, size);
    if (this.#position !== size) ftruncateSync(this.#descriptor, this.#position);
  }

  #rotate(): void {
    const next = openSync(logPath(this.directory, this.#sequence + 1), openFlags.write | constants.O_TRUNC, 0o600);
    closeSync(this.#descriptor);
    this.#descriptor = next;
    this.#sequence += 1;
    this.#position = 0;
    // Freeing a big file's pages takes milliseconds: not on this thread. A file that stays is found and deleted at the next opening.
    for (; this.#sequence - this.#oldest >= this.#limits.maxFile; this.#oldest += 1) unlink(logPath(this.directory, this.#oldest), () => undefined);
  }

  #announce(): void {
    if (!this.#awaited) return;
    this.#awaited = false;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** One level only: the container's own directory is there as long as the container is. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
