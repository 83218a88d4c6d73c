/**
 * The socket between the engine and a new process (rendezvous-steps.ts has the process's side), watched by the event loop, since an
 * engine has more to do. It closes by itself when execve succeeds, or when the process ends.
 */
import { Socket } from 'node:net';
import type { Meeting } from './rendezvous-steps.ts';

/** The engine's end. */
export class Rendezvous implements Meeting {
  readonly #socket: Socket;
  #arrived = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  /** @param fd the engine's end of the socket pair; closed with this object */
  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: true, writable: true });
    this.#socket.on('data', (data) => {
      this.#arrived += data.length;
      this.#wake?.();
    });
    this.#socket.on('error', () => this.#end());
    this.#socket.on('close', () => this.#end());
    this.#socket.on('end', () => this.#end());
  }

  #end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Waits for the process to arrive; false when it has ended, or become its program, instead. */
  async arrival(): Promise<boolean> {
    while (this.#arrived === 0 && !this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#arrived === 0) return false;
    this.#arrived--;
    return true;
  }

  /** Lets the process go on. */
  release(): void {
    this.#socket.write('x');
  }

  /** Waits until the process's end is closed. */
  async ended(): Promise<void> {
    while (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#socket.destroy();
  }

  /** Gives up: a process that waits reads end of file. */
  close(): void {
    this.#socket.destroy();
  }
}
