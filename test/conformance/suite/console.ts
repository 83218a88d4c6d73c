/** The caller's end of a container's terminal: the socket over which the runtime sends its master. */
import { writeSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { ReadStream } from 'node:tty';
import { call } from '../../../src/kernel/call.ts';
import { perform } from '../../../src/kernel/perform.ts';
import { messageBuffer } from '../../../src/kernel/unix-socket.ts';
import { until } from './proc.ts';

const EAGAIN = 11;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** A socket that waits for a terminal. Hold it by `await using`. */
export class ConsoleSocket {
  readonly path: string;
  readonly #server: Server;
  readonly #master = Promise.withResolvers<number>();

  constructor(path: string) {
    this.path = path;
    // What comes is read by recvmsg(2) alone, since Node would take the bytes and drop the descriptor.
    this.#server = createServer({ pauseOnConnect: true }, (socket) => {
      receive(socket).then(this.#master.resolve, this.#master.reject);
    });
    this.#server.listen(path);
    this.#master.promise.catch(() => {}); // nobody may ask for it
  }

  /** The terminal that the runtime sends. */
  async terminal(): Promise<Terminal> {
    return new Terminal(await this.#master.promise);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function receive(socket: Socket): Promise<number> {
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const header = messageBuffer();
  await until('the terminal has come', () => perform(call('recvmsg', [fd, header, MSG_CMSG_CLOEXEC], { accept: [EAGAIN] })) !== -EAGAIN);
  socket.destroy();
  const ancillary = header.pointers[1]![1] as Uint8Array;
  return new DataView(ancillary.buffer).getInt32(16, true);
}

/** The master of a terminal. Hold it by `using`. */
export class Terminal {
  readonly fd: number;
  readonly #stream: ReadStream;
  #text = '';
  #ended = false;

  constructor(fd: number) {
    this.fd = fd;
    this.#stream = new ReadStream(fd);
    const end = (): void => {
      this.#ended = true;
    };
    this.#stream
      .setEncoding('utf8')
      .on('data', (text: string) => (this.#text += text))
      .on('end', end)
      .on('error', end); // EIO: nobody has the other end
  }

  /** What has been written to it. */
  get text(): string {
    return this.#text;
  }

  /** Types. */
  type(text: string): void {
    writeSync(this.fd, text);
  }

  /** Waits until something has been written. */
  async said(pattern: RegExp): Promise<void> {
    await until(`${pattern} is on the terminal (${JSON.stringify(this.#text)})`, () => {
      if (!pattern.test(this.#text) && this.#ended) throw new Error(`the terminal ended without ${pattern}: ${JSON.stringify(this.#text)}`);
      return pattern.test(this.#text);
    });
  }

  [Symbol.dispose](): void {
    this.#stream.destroy();
  }
}
