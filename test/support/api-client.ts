/** The Docker Engine API over a unix socket, through one kept-alive connection at a time: for tests and benchmarks. */
import { Agent, request, type IncomingMessage } from 'node:http';

/** The API's answer; `body` is what came as JSON, else the text. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export class ApiClient {
  readonly socket: string;
  readonly #agent = new Agent({ keepAlive: true });

  /** @param socket path of the engine's socket */
  constructor(socket: string) {
    this.socket = socket;
  }

  /** Sends a request; an object as body goes as JSON. Resolves when the answer's headers are here. */
  open(method: string, path: string, body?: unknown): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const json = body === undefined ? undefined : JSON.stringify(body);
      const headers = json === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) };
      const sent = request({ socketPath: this.socket, agent: this.#agent, method, path, headers }, resolve);
      sent.once('error', reject);
      sent.end(json);
    });
  }

  /** Sends a request and reads the whole answer. */
  async send(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await this.open(method, path, body);
    const text = (await response.setEncoding('utf8').toArray()).join('');
    const isJson = response.headers['content-type']?.startsWith('application/json') === true && text !== '';
    return { status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text };
  }

  /**
   * Sends a request that must succeed.
   * @returns the answer's body, as the caller knows it to be
   * @throws Error with the engine's own message when the status is 400 or more
   */
  async ask<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.send(method, path, body);
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${(answer.body as { message?: string }).message ?? String(answer.body)}`);
    return answer.body as T;
  }

  close(): void {
    this.#agent.destroy();
  }
}
