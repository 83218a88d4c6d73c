/**
 * The engine's side of networks: one bridge, made when the first container needs it and gone with the engine when no
 * container uses it; endpoints from a pool of ready ones; published ports. What a container has is in its record, so
 * an engine that is started later takes it up again.
 */
import { closeSync, readFileSync } from 'node:fs';
import { call, result, Unknown, type Known } from '../kernel/call.ts';
import { AT_FDCWD, openFlags } from '../kernel/flags.ts';
import { AddressPool } from '../network/addresses.ts';
import { ensureBridge, removeBridge, type Bridge } from '../network/bridge.ts';
import { createEndpoint, type Endpoint, type EndpointRecord } from '../network/endpoint.ts';
import { closeNetlink, openNetlink, type Netlink } from '../network/netlink.ts';
import { EndpointPool } from '../network/pool.ts';
import { publishPorts, unpublishPorts, type PortBinding, type PublishedPorts } from '../network/ports.ts';
import { reservePorts, type PortReservation } from '../network/reservation.ts';
import { apply, type Kernel } from '../step/apply.ts';
import { step, type Procedure } from '../step/step.ts';
import { insist } from './insist.ts';
import { inOwnNamespace, reserveHostPorts } from './rootless/host-ports.ts';
import type { NamespacesRecord } from './rootless/namespaces-file.ts';
import type { Settings } from './settings.ts';

interface Ready {
  readonly netlink: Netlink;
  readonly bridge: Bridge;
  readonly addresses: AddressPool;
  readonly pool: EndpointPool;
}

/** A container's place on the bridge while it is being started, and then while it runs. */
export interface Connection {
  readonly endpoint: EndpointRecord;
  readonly ports: readonly PortBinding[];
  /** Descriptor of the endpoint's network namespace, if it has one already: to be closed when the process is in it. */
  readonly namespace?: Known | undefined;
  /** It is made by the start's own steps: when the start fails, they have closed it. */
  readonly inView?: true;
  readonly gateway: string;
  /** Joins the network as part of the start: a descriptor of the namespace to enter. */
  readonly join?: () => Procedure<Known>;
  /** Or sets it up in the namespace that the process made. */
  readonly connect?: (pid: Known) => Procedure;
}

/** How a container's network is shown. */
export interface BridgeView {
  readonly gateway: string;
  readonly prefix: number;
}

export class Networking {
  readonly #settings: Settings;
  readonly #kernel: Kernel;
  readonly #report: (message: string) => void;
  readonly #own: NamespacesRecord | undefined;
  #ready: Promise<Ready> | undefined;
  #current: Ready | undefined;
  readonly #reservations = new Map<string, PortReservation>();
  /** Published ports that are being let go. */
  readonly #closing = new Set<Promise<void>>();
  /** Connections that are being taken away. */
  readonly #leaving = new Set<Promise<void>>();

  /**
   * @param report told of failures in the background
   * @param own the namespaces of a user's engine, where it is one
   */
  constructor(settings: Settings, kernel: Kernel, report: (message: string) => void, own?: NamespacesRecord) {
    this.#own = own;
    this.#settings = settings;
    this.#kernel = kernel;
    this.#report = report;
  }

  /** The bridge as it is now, if it is there. */
  get view(): BridgeView | undefined {
    const bridge = this.#current?.bridge;
    return bridge && { gateway: bridge.gateway, prefix: bridge.subnet.prefix };
  }

  /** Name servers for containers of a user's engine, where those of the host are in its own loopback. */
  get nameServers(): readonly string[] | undefined {
    return this.#own?.uplink && [this.#own.uplink.nameServer];
  }

  #open(running: readonly PublishedPorts[] = []): Promise<Ready> {
    this.#ready ??= this.#make(running).catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  async #make(running: readonly PublishedPorts[]): Promise<Ready> {
    const netlink = openNetlink();
    let bridge: Bridge;
    try {
      bridge = await apply(ensureBridge(netlink, { name: this.#settings.bridge, published: running }), { kernel: this.#kernel });
    } catch (error) {
      closeNetlink(netlink);
      throw error;
    }
    const addresses = new AddressPool(bridge.subnet, bridge.gateway);
    for (const { address } of running) addresses.reserve(address);
    const pool = new EndpointPool({
      netlink,
      bridge,
      addresses,
      kernel: this.#kernel,
      onError: (error) => this.#report(`making network endpoints ready: ${String(error)}`),
    });
    this.#current = { netlink, bridge, addresses, pool };
    return this.#current;
  }

  /** Takes up the containers that run, after a restart of the engine. */
  async recover(running: readonly { readonly id: string; readonly endpoint: EndpointRecord; readonly ports: readonly PortBinding[] }[]): Promise<void> {
    if (running.length === 0) return this.#removeAbandoned();
    await this.#open(running.map((r) => ({ address: r.endpoint.address, bindings: this.#here(r.ports) })));
    for (const { id, endpoint, ports } of running) {
      try {
        const reservation = await this.#reserve(ports);
        reservation.forward(endpoint.address);
        this.#reservations.set(id, reservation);
      } catch (error) {
        this.#report(`ports of container ${id.slice(0, 12)}: ${String(error)}`);
      }
    }
  }

  /** A bridge whose engine was killed, and its containers after it, is nobody's. It is the last to go, so without it nothing is there. */
  async #removeAbandoned(): Promise<void> {
    const { bridge } = this.#settings;
    if (
      !readFileSync('/proc/net/dev', 'utf8')
        .split('\n')
        .some((line) => line.trimStart().startsWith(`${bridge}:`))
    )
      return;
    const netlink = openNetlink();
    try {
      await apply(removeBridge(netlink, bridge), { kernel: this.#kernel });
    } finally {
      closeNetlink(netlink);
    }
  }

  /**
   * Prepares a container's connection.
   * @param options.ownedByUser its user namespace must own the network namespace, so it makes one itself
   * @param options.inView somebody watches: the endpoint is made by the start's own steps, and not taken from those that are ready
   */
  async connect(id: string, bindings: readonly PortBinding[], options: { readonly ownedByUser: boolean; readonly inView: boolean }): Promise<Connection> {
    const { netlink, bridge, addresses, pool } = await this.#open();
    if (bindings.length > 0) await Promise.allSettled(this.#closing);
    const reservation = await this.#reserve(bindings);
    this.#reservations.set(id, reservation);
    const ports = reservation.bindings;
    const publish = (address: string): Procedure => publishPorts(netlink, bridge, { address, bindings: this.#here(ports) });
    try {
      if (options.ownedByUser || options.inView) {
        const address = addresses.allocate();
        const state: { hostInterface: string; namespace: Known | undefined } = { hostInterface: '', namespace: undefined };
        const make = function* (existing?: { readonly namespace: Known; readonly pid: Known }): Procedure<Known> {
          const made = yield* createEndpoint(netlink, { bridge, address, ...(existing ? { existing } : {}) });
          state.hostInterface = made.hostInterface;
          yield* publish(address);
          reservation.forward(address);
          return made.namespace;
        };
        const connect = function* (pid: Known): Procedure {
          yield* inNamespaceOf(pid, (namespace) => make({ namespace, pid }));
        };
        const join = function* (): Procedure<Known> {
          return (state.namespace = yield* make());
        };
        return {
          endpoint: {
            address,
            get hostInterface() {
              return state.hostInterface;
            },
          },
          ports,
          gateway: bridge.gateway,
          get namespace() {
            return state.namespace;
          },
          ...(options.ownedByUser ? { connect } : { inView: true, join }),
        };
      }
      const endpoint = await pool.acquire();
      return {
        endpoint,
        ports,
        namespace: endpoint.namespace,
        gateway: bridge.gateway,
        join: function* () {
          yield* publish(endpoint.address);
          reservation.forward(endpoint.address);
          return endpoint.namespace;
        },
      };
    } catch (error) {
      await this.#letPortsGo(id);
      throw error;
    }
  }

  /**
   * What `connect` and the pool would do, for an explanation: nothing is reserved or made.
   * @param name of the bridge, where it is not to be the engine's
   */
  explained(
    bindings: readonly PortBinding[],
    ownedByUser: boolean,
    name = this.#settings.bridge,
  ): Pick<Connection, 'join' | 'connect'> & { readonly close: () => void } {
    const current = name === this.#settings.bridge ? this.#current : undefined;
    const netlink = current?.netlink ?? openNetlink();
    const endpoint = function* (existing?: { readonly namespace: Known; readonly pid: Known }): Procedure<Endpoint> {
      const bridge = yield* ensureBridge(netlink, { name });
      const addresses = current?.addresses ?? new AddressPool(bridge.subnet, bridge.gateway);
      const address = addresses.allocate();
      addresses.release(address);
      const made = yield* createEndpoint(netlink, { bridge, address, ...(existing ? { existing } : {}) });
      yield* publishPorts(netlink, bridge, { address, bindings });
      return made;
    };
    const close = (): void => {
      if (!current) closeNetlink(netlink);
    };
    if (ownedByUser)
      return {
        close,
        connect: function* (pid) {
          yield* inNamespaceOf(pid, (namespace) => endpoint({ namespace, pid }));
        },
      };
    return {
      close,
      join: function* () {
        return (yield* endpoint()).namespace;
      },
    };
  }

  /** Takes a container's connection away. The kernel is slow at it: it goes on behind the answer; `gone` says when. */
  disconnect(
    id: string,
    connection: { readonly endpoint: EndpointRecord; readonly ports: readonly PortBinding[] },
    namespace?: Known,
  ): { readonly gone: Promise<void> } {
    const closed = (async () => {
      const { netlink, bridge } = await this.#open();
      const published = { address: connection.endpoint.address, bindings: this.#here(connection.ports) };
      // An address goes to another container only when no port leads to it any more.
      await insist(leaving(id), this.#report, () => apply(unpublishPorts(netlink, bridge, published), { kernel: this.#kernel }));
      await this.#letPortsGo(id);
    })();
    const gone = closed.then(async () => {
      const { pool } = await this.#open();
      let open = namespace;
      await insist(leaving(id), this.#report, () => {
        const release = pool.release(connection.endpoint, open);
        open = undefined;
        return release;
      });
    });
    // With a port that leads to it still, its address is given to nobody; the namespace need not stay for that.
    closed.catch(() => typeof namespace === 'number' && closeSync(namespace));
    const forget = (): unknown => this.#closing.delete(closed);
    this.#closing.add(closed);
    closed.then(forget, forget);
    const told = gone.catch((error: unknown) => this.#report(`${leaving(id)}: ${String(error)}`)).finally(() => this.#leaving.delete(told));
    this.#leaving.add(told);
    return { gone };
  }

  /** Bindings as they are in the network that is this engine's host. */
  #here(bindings: readonly PortBinding[]): readonly PortBinding[] {
    return this.#own ? bindings.map(inOwnNamespace) : bindings;
  }

  #reserve(bindings: readonly PortBinding[]): Promise<PortReservation> {
    return this.#own ? reserveHostPorts(this.#own.uplink, bindings) : reservePorts(bindings);
  }

  async #letPortsGo(id: string): Promise<void> {
    const reservation = this.#reservations.get(id);
    this.#reservations.delete(id);
    await reservation?.close();
  }

  /** @param remove no container uses the bridge: it goes too */
  async close(remove: boolean): Promise<void> {
    const ready = this.#current;
    if (!ready) return;
    await Promise.all(this.#leaving);
    // What leads from the host to a user's engine stays for the containers that go on, or goes with its namespaces.
    if (!this.#own) await Promise.all([...this.#reservations.keys()].map((id) => this.#letPortsGo(id)));
    await ready.pool.close();
    if (remove) await apply(removeBridge(ready.netlink, this.#settings.bridge), { kernel: this.#kernel });
    closeNetlink(ready.netlink);
    this.#current = undefined;
    this.#ready = undefined;
  }
}

const leaving = (id: string): string => `taking the network of container ${id.slice(0, 12)} away`;

/** Does something with a descriptor of a process's network namespace. */
export function* inNamespaceOf<R>(pid: Known, work: (namespace: Known) => Procedure<R>): Procedure<R> {
  const open = call('openat', [AT_FDCWD, `/proc/${pid}/ns/net`, openFlags.O_CLOEXEC, 0], { label: 'netns' });
  const namespace = yield* step<Known>({
    id: 'network.take',
    what: 'Take hold of the network namespace that the process made',
    calls: [open],
    shell: `test -e /proc/${pid}/ns/net`,
    look: `readlink /proc/${pid}/ns/net`,
    finally: [call('close', [result(open)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown('netns'),
  });
  return yield* work(namespace);
}
