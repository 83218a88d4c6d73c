/**
 * The engine's side of networks: one bridge, made when the first container needs it and gone with the engine when no
 * container uses it; endpoints from a pool of ready ones; published ports. What a container has is in its record, so
 * an engine that is started later takes it up again.
 */
import { readFileSync } from 'node:fs';
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
  readonly namespace?: Known;
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
  #ready: Promise<Ready> | undefined;
  #current: Ready | undefined;
  readonly #reservations = new Map<string, PortReservation>();

  /** @param report told of failures in the background */
  constructor(settings: Settings, kernel: Kernel, report: (message: string) => void) {
    this.#settings = settings;
    this.#kernel = kernel;
    this.#report = report;
  }

  /** The bridge as it is now, if it is there. */
  get view(): BridgeView | undefined {
    const bridge = this.#current?.bridge;
    return bridge && { gateway: bridge.gateway, prefix: bridge.subnet.prefix };
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
    const bridge = await apply(ensureBridge(netlink, { name: this.#settings.bridge, published: running }), { kernel: this.#kernel });
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
    await this.#open(running.map((r) => ({ address: r.endpoint.address, bindings: r.ports })));
    for (const { id, endpoint, ports } of running) {
      try {
        const reservation = await reservePorts(ports);
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
    await apply(removeBridge(netlink, bridge), { kernel: this.#kernel });
    closeNetlink(netlink);
  }

  /**
   * Prepares a container's connection.
   * @param ownedByUser its user namespace must own the network namespace, so it makes one itself
   */
  async connect(id: string, bindings: readonly PortBinding[], ownedByUser: boolean): Promise<Connection> {
    const { netlink, bridge, addresses, pool } = await this.#open();
    const reservation = await reservePorts(bindings);
    this.#reservations.set(id, reservation);
    const ports = reservation.bindings;
    const publish = (address: string): Procedure => publishPorts(netlink, bridge, { address, bindings: ports });
    try {
      if (ownedByUser) {
        const address = addresses.allocate();
        const state: { hostInterface: string } = { hostInterface: '' };
        return {
          endpoint: {
            address,
            get hostInterface() {
              return state.hostInterface;
            },
          },
          ports,
          gateway: bridge.gateway,
          connect: function* (pid) {
            const made = yield* inNamespaceOf(pid, (namespace) => createEndpoint(netlink, { bridge, address, existing: { namespace, pid } }));
            state.hostInterface = made.hostInterface;
            yield* publish(address);
            reservation.forward(address);
          },
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

  /** What `connect` and the pool would do, for an explanation: nothing is reserved or made. */
  explained(bindings: readonly PortBinding[], ownedByUser: boolean): Pick<Connection, 'join' | 'connect'> & { readonly close: () => void } {
    const current = this.#current;
    const netlink = current?.netlink ?? openNetlink();
    const name = this.#settings.bridge;
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
    const gone = (async () => {
      const { netlink, bridge, pool } = await this.#open();
      await apply(unpublishPorts(netlink, bridge, { address: connection.endpoint.address, bindings: connection.ports }), { kernel: this.#kernel });
      await this.#letPortsGo(id);
      await pool.release(connection.endpoint, namespace);
    })();
    gone.catch((error: unknown) => this.#report(`taking the network of container ${id.slice(0, 12)} away: ${String(error)}`));
    return { gone };
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
    await Promise.all([...this.#reservations.keys()].map((id) => this.#letPortsGo(id)));
    await ready.pool.close();
    if (remove) await apply(removeBridge(ready.netlink, this.#settings.bridge), { kernel: this.#kernel });
    closeNetlink(ready.netlink);
    this.#current = undefined;
    this.#ready = undefined;
  }
}

/** Does something with a descriptor of a process's network namespace. */
function* inNamespaceOf<R>(pid: Known, work: (namespace: Known) => Procedure<R>): Procedure<R> {
  const open = call('openat', [AT_FDCWD, `/proc/${pid}/ns/net`, openFlags.O_CLOEXEC, 0], { label: 'netns' });
  const namespace = yield* step<Known>({
    id: 'network.take',
    what: 'Take hold of the network namespace that the process made',
    calls: [open],
    shell: `ls -l /proc/${pid}/ns/net`,
    look: `readlink /proc/${pid}/ns/net`,
    finally: [call('close', [result(open)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown('netns'),
  });
  return yield* work(namespace);
}
