/** One request and its answer, as a route's handler sees them. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import type { Engine } from '../../engine/engine.ts';
import type { Shape } from '../shape.ts';
import { readJson } from './body.ts';
import { drained } from './framing.ts';
import { RequestError } from './error.ts';
import { Query } from './query.ts';

/** A connection that carries a container's streams. */
export interface Connection {
  readonly output: Writable;
  /** Absent when the client can send nothing. */
  readonly input: Readable | undefined;
  /** It is no HTTP any more: output and input are both ends of one socket. */
  readonly upgraded: boolean;
}

export class Exchange {
  readonly engine: Engine;
  readonly query: Query;
  /** Minor version of the API that the client speaks: 50 in `/v1.50/…`. */
  readonly minor: number;
  readonly response: ServerResponse;
  readonly #message: IncomingMessage;
  readonly #parameters: Readonly<Record<string, string>>;
  /** The connection, when the client asked for it to be turned into a raw stream. */
  readonly #upgraded: Socket | undefined;
  #abort: AbortController | undefined;

  constructor(parts: {
    readonly engine: Engine;
    readonly minor: number;
    readonly query: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly message: IncomingMessage;
    readonly response: ServerResponse;
    readonly upgraded: Socket | undefined;
  }) {
    this.engine = parts.engine;
    this.minor = parts.minor;
    this.query = new Query(parts.query);
    this.response = parts.response;
    this.#parameters = parts.parameters;
    this.#message = parts.message;
    this.#upgraded = parts.upgraded;
  }

  /** A part of the path, as the route names it. Docker's clients may put a slash before a container's name. */
  parameter(name: string): string {
    return (this.#parameters[name] ?? '').replace(/^\/+/, '');
  }

  /** Aborted when the client goes away. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      const controller = new AbortController();
      this.#abort = controller;
      if (this.#message.socket.destroyed) controller.abort();
      else this.response.once('close', () => controller.abort());
    }
    return this.#abort.signal;
  }

  /** The JSON body, checked. @throws RequestError 400, 408 or 413 */
  async body<T>(shape: Shape<T>): Promise<T> {
    const value = await readJson(this.#message, this.#upgraded);
    if (value === undefined) throw new RequestError(400, 'The request needs a JSON body.');
    return shape(value, '');
  }

  /** Like `body`, for requests whose body may be left out. */
  async optionalBody<T>(shape: Shape<T>): Promise<T | undefined> {
    const value = await readJson(this.#message, this.#upgraded);
    return value === undefined || value === null ? undefined : shape(value, '');
  }

  /** The body as it comes: an archive, or a container's input. */
  get upload(): Readable {
    if (this.#upgraded) throw new RequestError(400, 'This request takes its body without an Upgrade header.');
    return this.#message;
  }

  /** Whether the client sends a body at all. */
  get hasBody(): boolean {
    return this.#message.headers['transfer-encoding'] !== undefined || Number(this.#message.headers['content-length'] ?? 0) > 0;
  }

  /** Answers JSON in one piece. */
  json(value: unknown, status = 200): void {
    this.text(`${JSON.stringify(value)}\n`, 'application/json', status);
  }

  text(text: string, type: string, status = 200): void {
    const data = Buffer.from(text);
    this.response.writeHead(status, { 'Content-Type': type, 'Content-Length': data.length }).end(data);
  }

  /** Answers with a status alone. */
  empty(status: 200 | 201 | 204 = 204): void {
    this.response.writeHead(status, status === 204 ? {} : { 'Content-Length': 0 }).end();
  }

  /** Sends the headers now, before there is anything to send after them. */
  begin(type: string): Writable {
    this.response.writeHead(200, { 'Content-Type': type });
    this.response.flushHeaders();
    return this.response;
  }

  /**
   * Answers a stream, no faster than the client reads. An error before the first piece is an ordinary error answer; later it breaks the connection off,
   * which is how the client learns that what it has is not all.
   */
  async stream(source: Readable, type: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const leave = (): void => {
      source.destroy();
    };
    this.response.once('close', leave);
    for await (const chunk of source) {
      if (!this.response.headersSent) this.response.writeHead(200, { 'Content-Type': type, ...headers });
      if (this.response.destroyed) return;
      if (!this.response.write(chunk)) await drained(this.response);
    }
    this.response.off('close', leave);
    if (!this.response.headersSent) this.response.writeHead(200, { 'Content-Type': type, ...headers });
    this.response.end();
  }

  /**
   * Takes the connection for a container's streams: `101 UPGRADED` where the client asked for it, a plain `200` otherwise.
   */
  hijack(type: string): Connection {
    const socket = this.#upgraded;
    if (!socket) {
      const input = this.hasBody && !this.#message.readableEnded ? this.#message : undefined;
      return { output: this.begin(type), input, upgraded: false };
    }
    this.response.detachSocket(socket);
    socket.once('close', () => this.response.emit('close'));
    socket.write(`HTTP/1.1 101 UPGRADED\r\nContent-Type: ${type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`);
    return { output: socket, input: socket, upgraded: true };
  }
}
