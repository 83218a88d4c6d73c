/**
 * Ready endpoints. The kernel takes about 3 ms to make one and 10 to 40 ms to take one away, so a container that starts is
 * handed one that is ready, and one that it no longer needs goes after the answer, together with others.
 *
 * A ready endpoint's namespace is held only by a descriptor of this process: when the engine dies the kernel takes the
 * namespace away, and the pair of interfaces with it. Nothing of the pool needs to be written down.
 */
import { call, type Known } from '../kernel/call.ts';
import { performNow } from '../kernel/perform.ts';
import { apply, type Kernel } from '../step/apply.ts';
import type { AddressPool } from './addresses.ts';
import type { Bridge } from './bridge.ts';
import { createEndpoint, removeAtOnce, removeEndpoints, type Endpoint, type EndpointRecord } from './endpoint.ts';
import type { Netlink } from './netlink.ts';

export interface EndpointPoolOptions {
  readonly netlink: Netlink;
  readonly bridge: Bridge;
  /** Addresses of containers that run already must be reserved in it before the pool is first used. */
  readonly addresses: AddressPool;
  readonly kernel: Kernel;
  /** How many are kept ready in quiet times; default 4. */
  readonly minimum?: number;
  /** How many are kept ready in busy times; default 16. Each takes about 0.3 MB of the kernel's memory. */
  readonly maximum?: number;
  /** Told of failures in the background; what was asked for by a call fails that call instead. */
  readonly onError?: (error: unknown) => void;
}

/** Refilling waits so long after a start, to leave it the processor; unless few are left. */
const refillDelay = 50;
/** With no start for so long, fewer are kept. */
const quietTime = 30_000;

interface Removal {
  readonly endpoint: EndpointRecord;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/** Makes endpoints ahead of need, and takes them away behind the answer. */
export class EndpointPool {
  readonly #options: EndpointPoolOptions;
  readonly #minimum: number;
  readonly #maximum: number;
  readonly #ready: Endpoint[] = [];
  readonly #removals: Removal[] = [];
  #target: number;
  #closed = false;
  #filling: Promise<void> | undefined;
  #removing: Promise<void> | undefined;
  #refill: NodeJS.Timeout | undefined;
  #quiet: NodeJS.Timeout | undefined;

  constructor(options: EndpointPoolOptions) {
    this.#options = options;
    this.#minimum = options.minimum ?? 4;
    this.#maximum = Math.max(this.#minimum, options.maximum ?? 16);
    this.#target = this.#minimum;
  }

  /** How many are ready now. */
  get ready(): number {
    return this.#ready.length;
  }

  /** Makes as many ready as are to be; the engine calls it when it has nothing else to do. */
  fill(): Promise<void> {
    clearTimeout(this.#refill);
    this.#refill = undefined;
    return (this.#filling ??= this.#fill().finally(() => (this.#filling = undefined)));
  }

  /**
   * Hands out an endpoint; its namespace's descriptor is the caller's to close.
   * @throws NetworkError when no address is free, StepError when the kernel refuses
   */
  async acquire(): Promise<Endpoint> {
    const endpoint = this.#ready.shift();
    if (!endpoint) this.#target = Math.min(this.#maximum, this.#target * 2);
    this.#schedule();
    return endpoint ?? this.#create();
  }

  /**
   * Takes an endpoint away, with others that are to go, and then frees its address.
   * @param endpoint from {@link acquire}, or as the record of a container from before a restart says
   * @param namespace its descriptor, if it is open here: it is closed
   */
  release(endpoint: EndpointRecord, namespace?: Known): Promise<void> {
    if (typeof namespace === 'number') performNow(call('close', [namespace]));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#removals.push({ endpoint, done: resolve, failed: reject });
    this.#removing ??= this.#remove().finally(() => (this.#removing = undefined));
    return promise;
  }

  /** Takes away what is ready, and waits for what is going. Endpoints that were handed out stay. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#refill);
    clearTimeout(this.#quiet);
    await this.#filling;
    await Promise.all(this.#ready.splice(0).map((e) => this.release(e, e.namespace)));
    await this.#removing;
  }

  #schedule(): void {
    if (this.#closed) return;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#shrink(), quietTime).unref();
    if (this.#ready.length <= this.#target >> 2) void this.fill();
    else this.#refill ??= setTimeout(() => void this.fill(), refillDelay).unref();
  }

  #shrink(): void {
    this.#target = Math.max(this.#minimum, this.#target >> 1);
    const surplus = this.#ready.splice(this.#target);
    for (const e of surplus) this.release(e, e.namespace).catch((error: unknown) => this.#options.onError?.(error));
    if (this.#target > this.#minimum) this.#quiet = setTimeout(() => this.#shrink(), quietTime).unref();
  }

  async #fill(): Promise<void> {
    try {
      while (!this.#closed && this.#ready.length < this.#target) {
        await new Promise((resolve) => setImmediate(resolve)); // others get their turn between any two
        this.#ready.push(await this.#create());
      }
    } catch (error) {
      this.#options.onError?.(error);
    }
  }

  async #create(): Promise<Endpoint> {
    const { netlink, bridge, addresses, kernel } = this.#options;
    const address = addresses.allocate();
    try {
      return await apply(createEndpoint(netlink, { bridge, address }), { kernel });
    } catch (error) {
      addresses.release(address);
      throw error;
    }
  }

  async #remove(): Promise<void> {
    const { netlink, addresses, kernel } = this.#options;
    while (this.#removals.length) {
      const going = this.#removals.splice(0, removeAtOnce);
      try {
        await apply(
          removeEndpoints(
            netlink,
            going.map((r) => r.endpoint),
          ),
          { kernel },
        );
        for (const { endpoint, done } of going) {
          addresses.release(endpoint.address);
          done();
        }
      } catch (error) {
        for (const { failed } of going) failed(error);
      }
    }
  }
}
