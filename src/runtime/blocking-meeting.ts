/** The other end of a process's rendezvous socket, for a program that has nothing else to do meanwhile: reads block. */
import { closeSync, readSync, writeSync } from 'node:fs';
import type { Meeting } from './rendezvous-steps.ts';

/** Reads and writes the socket by its descriptor; loads no network code. */
export class BlockingMeeting implements Meeting {
  #fd: number;
  /** @param fd our end of the socket pair; closed with this object */
  constructor(fd: number) {
    this.#fd = fd;
  }

  arrival(): boolean {
    try {
      return this.#fd >= 0 && readSync(this.#fd, new Uint8Array(1)) === 1;
    } catch (error) {
      // Who was killed with a byte of ours unread leaves this behind.
      if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return false;
      throw error;
    }
  }

  release(): void {
    try {
      writeSync(this.#fd, 'x');
    } catch (error) {
      // It has ended: whoever waits for it next is told.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
  }

  ended(): void {
    while (this.arrival());
    this.close();
  }

  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}
