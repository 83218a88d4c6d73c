/** For tests of the API: a server whose engine a test plays, and a client that is allowed to misbehave. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { after, before, beforeEach } from 'node:test';
import { FakeEngine } from './fake-engine.ts';
import { type ApiServer, startServer } from './server.ts';

/** What answers carry that tests look at. */
interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
  readonly json: { readonly message: string; readonly Id?: string; readonly ApiVersion?: string; readonly MinAPIVersion?: string; readonly ExitCode?: number };
}

/** A connection on which a test speaks HTTP by hand. */
export interface RawConnection {
  readonly socket: Socket;
  readonly received: () => string;
  /** Resolves when the text has come. */
  readonly until: (mark: string) => Promise<void>;
  readonly ended: Promise<void>;
}

/** One server for all tests of a file, whose engine is made anew for each. */
export class ApiFixture {
  readonly directory = mkdtempSync(join(tmpdir(), 'hako-api-'));
  readonly socketPath = join(this.directory, 'api.sock');
  /** What the server told of errors that are its own. */
  readonly reports: string[] = [];
  fake = new FakeEngine();
  #server: ApiServer | undefined;

  constructor() {
    before(async () => {
      const current = new Proxy({}, { get: (_target, name) => Reflect.get(this.fake.engine, name) as unknown });
      this.#server = await startServer(current as FakeEngine['engine'], { socketPath: this.socketPath, report: (line) => this.reports.push(line) });
    });
    beforeEach(() => {
      this.fake = new FakeEngine();
    });
    after(async () => {
      await this.#server?.close();
      rmSync(this.directory, { recursive: true });
    });
  }

  /** Sends a request and gives its answer when the headers have come. */
  open(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = httpRequest({ socketPath: this.socketPath, method, path, headers, agent: false }, resolve);
      request.on('error', reject).end(body);
    });
  }

  /** Sends a request, with a body as text or as JSON, and reads the whole answer. */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.open(method, path, {}, typeof body === 'string' || body === undefined ? body : JSON.stringify(body));
    const text = await textOf(response);
    const isJson = response.headers['content-type'] === 'application/json' && text.trim().split('\n').length === 1;
    return { status: response.statusCode ?? 0, headers: response.headers, text, json: (isJson ? JSON.parse(text) : {}) as Answer['json'] };
  }

  async raw(text: string): Promise<RawConnection> {
    const socket = connect({ path: this.socketPath, allowHalfOpen: true });
    let received = '';
    const waiting = new Set<() => void>();
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      for (const look of waiting) look();
    });
    socket.on('error', () => undefined);
    const ended = new Promise<void>((resolve) => {
      socket.once('end', resolve).once('close', resolve);
    });
    await once(socket, 'connect');
    socket.write(text);
    const until = (mark: string): Promise<void> =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!received.includes(mark)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    return { socket, received: () => received, until, ended };
  }
}

/** A request that asks for the connection to become a raw stream. */
export const upgrade = (path: string, body = ''): string =>
  `POST ${path} HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
