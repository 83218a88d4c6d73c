/**
 * A process's output: read once, logged, and given to everyone who is attached. Who is attached and reads slowly slows
 * the process, as a pipe would; what nobody is attached to only goes to the log.
 */
import { Socket } from 'node:net';
import { ReadStream } from 'node:tty';
import type { Writable } from 'node:stream';
import type { Streams } from '../runtime/process.ts';
import type { Attachment } from './engine.ts';
import type { LogStream, LogWriter } from './logs.ts';

/** A client may lag this many bytes behind before the process is slowed. */
const backlogLimit = 1 << 20;

/** Where every pipe is read to; what is in it is used before the next read. */
const shared = Buffer.alloc(1 << 16);

interface Chunk {
  readonly stream: LogStream;
  readonly data: Uint8Array;
}

/** Reads a process's streams. */
export class OutputHub {
  readonly terminal: boolean;
  /** The process's standard input, or the terminal; absent when it reads nothing. */
  readonly input: Writable | undefined;
  /** Settles when all output has been read. */
  readonly drained: Promise<void>;
  readonly #sources: Socket[] = [];
  readonly #subscribers = new Set<Subscriber>();
  /** Where it is logged. */
  readonly log: LogWriter;
  #ended = false;

  constructor(streams: Streams, log: LogWriter) {
    this.log = log;
    this.terminal = streams.terminal !== undefined;
    const ends: Promise<void>[] = [];
    if (streams.terminal !== undefined) {
      const terminal = new ReadStream(streams.terminal);
      this.input = terminal as unknown as Writable;
      ends.push(this.#read(terminal, 'stdout'));
    } else {
      if (streams.stdout !== undefined) ends.push(this.#readPipe(streams.stdout, 'stdout'));
      if (streams.stderr !== undefined) ends.push(this.#readPipe(streams.stderr, 'stderr'));
      this.input = streams.stdin === undefined ? undefined : new Socket({ fd: streams.stdin, readable: false, writable: true });
    }
    // The process may have ended: nobody reads what is still written to it.
    this.input?.on('error', () => {});
    this.drained = Promise.all(ends).then(() => {
      this.#ended = true;
      log.close();
      for (const subscriber of this.#subscribers) subscriber.end();
      this.#subscribers.clear();
    });
  }

  /**
   * Reads a pipe into the one buffer that all pipes share: a flood of output leaves no garbage behind, and an idle
   * container has no buffer of its own. Only what a client waits for is copied.
   */
  #readPipe(fd: number, stream: LogStream): Promise<void> {
    const onread = {
      buffer: shared,
      callback: (length: number): boolean => {
        this.#take(stream, shared.subarray(0, length), true);
        return true;
      },
    };
    return this.#watch(new Socket({ fd, readable: true, writable: false, onread }));
  }

  #read(source: Socket, stream: LogStream): Promise<void> {
    source.on('data', (data: Buffer) => this.#take(stream, data, false));
    return this.#watch(source);
  }

  #take(stream: LogStream, data: Uint8Array, borrowed: boolean): void {
    this.log.write(stream, data);
    if (this.#subscribers.size === 0) return;
    const kept = borrowed ? Buffer.from(data) : data;
    for (const subscriber of this.#subscribers) subscriber.push({ stream, data: kept });
    this.#pace();
  }

  #watch(source: Socket): Promise<void> {
    this.#sources.push(source);
    source.resume();
    return new Promise((resolve) => {
      // A terminal whose other side is closed answers EIO.
      source.on('error', () => resolve());
      source.on('end', () => resolve());
      source.on('close', () => resolve());
    });
  }

  /** Stops reading while a client lags, and goes on when it has caught up. */
  #pace(): void {
    const lagging = [...this.#subscribers].some((s) => s.bytes > backlogLimit);
    for (const source of this.#sources) {
      if (lagging && !source.isPaused()) source.pause();
      else if (!lagging && source.isPaused()) source.resume();
    }
  }

  /** Gives the output from now on, and the input. */
  attach(options: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }): Attachment {
    const subscriber = new Subscriber(options, () => this.#pace());
    if (this.#ended) subscriber.end();
    else this.#subscribers.add(subscriber);
    return {
      terminal: this.terminal,
      output: subscriber,
      ...(options.stdin && this.input ? { input: this.input } : {}),
      detach: () => {
        this.#subscribers.delete(subscriber);
        subscriber.end();
        this.#pace();
      },
    };
  }

  /** Stops reading; for what is still in a pipe when the process has long ended, because another holds it open. */
  close(): void {
    for (const source of this.#sources) source.destroy();
    this.input?.destroy();
  }
}

/** One who is attached: chunks wait here until they are asked for. */
class Subscriber implements AsyncIterable<Chunk> {
  bytes = 0;
  readonly #wanted: { readonly stdout: boolean; readonly stderr: boolean };
  readonly #taken: () => void;
  readonly #chunks: Chunk[] = [];
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(wanted: { readonly stdout: boolean; readonly stderr: boolean }, taken: () => void) {
    this.#wanted = wanted;
    this.#taken = taken;
  }

  push(chunk: Chunk): void {
    if (!this.#wanted[chunk.stream]) return;
    this.#chunks.push(chunk);
    this.bytes += chunk.data.length;
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Chunk> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.bytes -= chunk.data.length;
        if (this.bytes <= backlogLimit) this.#taken();
        yield chunk;
      } else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
