/** For tests: a server on a temporary socket that answers as the engine would, and the client run against it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a test's server got. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
}

/** Answers one request; whatever it returns is sent as JSON. */
export type Answer = (received: Received, response: ServerResponse) => unknown;

/** Takes a connection after its upgrade. */
export type Hijack = (socket: Socket, received: Received) => void;

/** What the engine is to say. */
export interface Play {
  /** By `METHOD PATH`; a path may end in `*`. */
  readonly answers?: Readonly<Record<string, Answer>>;
  /** By path. */
  readonly hijacks?: Readonly<Record<string, Hijack>>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** An answer with a status other than 200. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export class FakeEngine {
  readonly directory = mkdtempSync(join(tmpdir(), 'hako-cli-'));
  readonly received: Received[] = [];
  readonly #play: Play;
  readonly #server: Server;
  readonly #upgraded = new Set<Socket>();

  constructor(play: Play) {
    this.#play = play;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket) => void this.#upgrade(request, socket));
  }

  /** Starts the server, on `hako.sock` in the directory. */
  async start(): Promise<this> {
    this.#server.listen(join(this.directory, 'hako.sock'));
    await once(this.#server, 'listening');
    return this;
  }

  /** The routes asked for, in order: `POST /containers/create`. */
  get asked(): string[] {
    return this.received.map(({ method, path }) => `${method} ${path}`);
  }

  /** The JSON that came with the request for a route. */
  bodyOf(route: string): Record<string, unknown> {
    const found = this.received.find(({ method, path }) => `${method} ${path}` === route);
    if (!found) throw new Error(`${route} was not asked for, but ${this.asked.join(', ')}`);
    return JSON.parse(found.body.toString()) as Record<string, unknown>;
  }

  /** Runs `hako ARGUMENTS…` to its end. */
  async hako(args: readonly string[], input: string | Buffer = ''): Promise<Ended> {
    return runHako(args, { HAKO_RUN: this.directory }, input);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    for (const socket of this.#upgraded) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
    rmSync(this.directory, { recursive: true, force: true });
  }

  #answerFor({ method, path }: Received): Answer | undefined {
    const { answers = {} } = this.#play;
    const route = `${method} ${path}`;
    const pattern = Object.keys(answers).find((key) => (key.endsWith('*') ? route.startsWith(key.slice(0, -1)) : key === route));
    return pattern === undefined ? undefined : answers[pattern];
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const received = await receive(request);
    this.received.push(received);
    const answer = this.#answerFor(received);
    try {
      if (!answer) throw new Refusal(404, `the test has no route ${received.method} ${received.path}`);
      const value = await answer(received, response);
      if (value === undefined) response.end();
      else response.setHeader('Content-Type', 'application/json').end(JSON.stringify(value));
    } catch (error) {
      response.writeHead(error instanceof Refusal ? error.status : 500, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ message: (error as Error).message }));
    }
  }

  async #upgrade(request: IncomingMessage, socket: Socket): Promise<void> {
    const received = await receive(request);
    this.received.push({ ...received, method: 'HIJACK' });
    socket.on('error', () => {});
    this.#upgraded.add(socket);
    const take = this.#play.hijacks?.[received.path];
    if (!take) {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n{"message":"no route"}');
      return;
    }
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    take(socket, received);
  }
}

/** Runs the client's source with the environment changed. */
export async function runHako(args: readonly string[], env: Readonly<Record<string, string>>, input: string | Buffer = ''): Promise<Ended> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args], { env: { ...process.env, TZ: 'UTC', ...env } });
  child.stdin.on('error', () => {}); // a command that reads no input closes it
  child.stdin.end(input);
  const [stdout, stderr] = [child.stdout, child.stderr].map(async (stream) => (await stream.setEncoding('utf8').toArray()).join(''));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: await stdout!, stderr: await stderr! };
}

/** One frame of the multiplexed output. */
export function frame(stream: 1 | 2 | 3, data: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(data), 4);
  return Buffer.concat([header, Buffer.from(data)]);
}

async function receive(request: IncomingMessage): Promise<Received> {
  const url = new URL(request.url ?? '/', 'http://hako');
  const upgrade = request.headers.upgrade !== undefined;
  const body = upgrade ? Buffer.alloc(0) : Buffer.concat(await request.toArray());
  return { method: request.method ?? '', path: decodeURIComponent(url.pathname), query: url.searchParams, body };
}
