/**
 * A connection to a message bus, or to systemd itself: calls and their answers, and signals. D-Bus specification, "Authentication Protocol",
 * "Message Bus Messages".
 */
import type { Socket } from 'node:net';
import { OciError } from '../error.ts';
import { decodeMessage, encodeMessage, messageTypes, type Message, type Value } from './wire.ts';

/** An answer that is an error of the one who was called. */
export class BusError extends Error {
  override readonly name = 'BusError';
  /** `org.freedesktop.systemd1.NoSuchUnit`. */
  readonly kind: string;
  constructor(kind: string, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** One method, and what it is given. */
export interface MethodCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly Value[];
}

interface Waiting {
  resolve(body: readonly Value[]): void;
  reject(error: Error): void;
}

/** How long an answer may take, in milliseconds. */
const patience = 30_000;

export class Bus {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  #listeners: ((signal: Message) => void)[] = [];
  #received: Buffer = Buffer.alloc(0);
  #serial = 0;
  #failure: Error | undefined;

  private constructor(socket: Socket, rest: Buffer) {
    this.#socket = socket;
    socket.on('data', (data) => this.#receive(data));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new OciError('the connection to systemd was closed')));
    if (rest.length > 0) this.#receive(rest);
  }

  /**
   * Connects and says who we are, which the other side checks by the socket itself.
   * @param path of the socket; with a NUL before it, an abstract one
   * @param direct it is no bus, but the one to talk to
   */
  static async connect(path: string, direct = false): Promise<Bus> {
    const { connect } = await import('node:net'); // 9 ms, which those without systemd need not wait
    const socket = connect({ path });
    try {
      const bus = new Bus(socket, await authenticate(socket));
      if (!direct) await bus.call({ ...messageBus, member: 'Hello' });
      return bus;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  /** Calls a method. @returns what it answers @throws BusError for an error that it answers */
  call({ body = [], signature = '', ...header }: MethodCall): Promise<readonly Value[]> {
    if (this.#failure) return Promise.reject(this.#failure);
    const serial = ++this.#serial;
    this.#socket.write(encodeMessage({ type: messageTypes.call, serial, ...header, signature, body }));
    return new Promise<readonly Value[]>((resolve, reject) => {
      const timer = setTimeout(() => reject(new OciError(`systemd did not answer ${header.member} in ${patience / 1000} seconds`)), patience);
      const settle = (): void => (clearTimeout(timer), void this.#waiting.delete(serial));
      this.#waiting.set(serial, { resolve: (answer) => (settle(), resolve(answer)), reject: (error) => (settle(), reject(error)) });
    });
  }

  /** Has the bus pass on signals of one kind. */
  async subscribe(rule: string): Promise<void> {
    await this.call({ ...messageBus, member: 'AddMatch', signature: 's', body: [rule] });
  }

  onSignal(listener: (signal: Message) => void): void {
    this.#listeners.push(listener);
  }

  close(): void {
    this.#failure ??= new OciError('the connection to systemd is closed');
    this.#socket.destroy();
  }

  #receive(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    try {
      for (let next = decodeMessage(this.#received); next; next = decodeMessage(this.#received)) {
        this.#received = this.#received.subarray(next.length);
        this.#take(next.message);
      }
    } catch (error) {
      this.#fail(error as Error);
      this.#socket.destroy();
    }
  }

  #take(message: Message): void {
    if (message.type === messageTypes.signal) for (const listener of this.#listeners) listener(message);
    const waiting = this.#waiting.get(message.replyTo ?? 0);
    if (message.type === messageTypes.reply) waiting?.resolve(message.body);
    if (message.type === messageTypes.error) {
      const [text] = message.body;
      waiting?.reject(new BusError(message.errorName ?? '', typeof text === 'string' ? text : (message.errorName ?? 'unknown error')));
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
  }
}

const messageBus = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' } as const;

/** The talk before the first message, in lines. @returns what came behind it */
function authenticate(socket: Socket): Promise<Buffer> {
  let received = Buffer.alloc(0);
  // No name is given: the other side takes who we are from the socket, across user namespaces, too.
  socket.write('\0AUTH EXTERNAL\r\n');
  return new Promise((resolve, reject) => {
    const done = (error?: Error): void => {
      clearTimeout(timer);
      socket.off('data', receive).off('error', done).off('close', closed);
      if (error) reject(error);
      else resolve(received);
    };
    const closed = (): void => done(new OciError('the message bus closed the connection'));
    const timer = setTimeout(() => done(new OciError(`the message bus did not answer in ${patience / 1000} seconds`)), patience);
    const receive = (data: Buffer): void => {
      received = Buffer.concat([received, data]);
      for (let end = received.indexOf('\r\n'); end >= 0; end = received.indexOf('\r\n')) {
        const line = received.toString('latin1', 0, end);
        received = received.subarray(end + 2);
        if (line.startsWith('OK')) {
          socket.write('BEGIN\r\n');
          return done();
        }
        if (line !== 'DATA') return done(new OciError(`the message bus refused us: ${line}`));
        socket.write('DATA\r\n');
      }
      if (received.length > 4096) done(new OciError('the message bus does not speak its protocol'));
    };
    socket.on('data', receive).on('error', done).on('close', closed);
  });
}
