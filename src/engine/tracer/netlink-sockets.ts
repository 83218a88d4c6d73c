/** Which descriptors of the traced processes are netlink sockets: only of those are answers read. */
import type { TracedThread } from './thread.ts';

const AF_NETLINK = 16n;
/** Of a process that opens more, the oldest are forgotten. */
const most = 1000;

export class NetlinkSockets {
  readonly #open = new Set<string>();

  /** A call that was done: it may have made or closed one. */
  done(thread: TracedThread, name: string, args: readonly bigint[], value: number): void {
    if (name === 'socket' && args[0] === AF_NETLINK) {
      this.#open.add(key(thread, value));
      if (this.#open.size > most) this.#open.delete(this.#open.values().next().value!);
    } else if (this.#open.size === 0) return;
    else if (name === 'close') this.#open.delete(key(thread, args[0] ?? 0n));
    // What gives a number anew tells that it was closed, by whatever call.
    else if (/^(socket|accept4?|dup[23]?)$/.test(name)) this.#open.delete(key(thread, value));
  }

  /** Whether a descriptor is one. */
  has(thread: TracedThread, descriptor: bigint): boolean {
    return this.#open.size > 0 && this.#open.has(key(thread, descriptor));
  }
}

const key = (thread: TracedThread, descriptor: bigint | number): string => `${thread.field('Tgid')} ${descriptor}`;
