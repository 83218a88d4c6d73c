/**
 * The socket between the engine and a new process: the process writes a byte when it has come to a point where the
 * engine must do something for it, and reads one before it goes on. The socket closes by itself when execve succeeds,
 * or when the process ends.
 */
import { Socket } from 'node:net';
import { call } from '../kernel/call.ts';
import type { Step } from '../step/step.ts';

/** The engine's end. */
export class Rendezvous {
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

/** The process's side: says that it has arrived, and waits. If the engine is gone, it gets nothing and ends. */
export function waitForEngine(sync: number, what: string): Step {
  const answer = new Uint8Array(8);
  return {
    id: 'process.wait',
    what,
    calls: [call('write', [sync, 'x', 1]), call('read', [sync, answer, 1])],
    shell: 'read go < $SYNC',
    look: 'cat /proc/$PID/wchan',
  };
}
