/**
 * Published ports in the bridge's packet filter: a binding is an element of a map, so that publishing is one small
 * transaction whatever else is published.
 */
import { errno } from '../kernel/errno.ts';
import { ipv4Bytes } from '../kernel/netlink/attribute.ts';
import { forgetUdpFlows } from '../kernel/netlink/conntrack.ts';
import type { Message } from '../kernel/netlink/message.ts';
import { addElements, batch, deleteElements, portBytes, type MapElement } from '../kernel/netlink/nftables.ts';
import { perform } from '../kernel/perform.ts';
import { step, type Procedure } from '../step/step.ts';
import type { Bridge } from './bridge.ts';
import type { Netlink } from './netlink.ts';
import { portMaps, type PortElements } from './rules.ts';

/** A port of a container, published on the host. */
export interface PortBinding {
  /** An address of the host; empty for every address, IPv4 and IPv6; `0.0.0.0` for every IPv4 one, `::` for every IPv6 one. */
  readonly hostIp: string;
  /** 0 asks for one that is free; see `reservePorts`. */
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: 'tcp' | 'udp';
}

/** What one container has published. */
export interface PublishedPorts {
  /** The container's address. */
  readonly address: string;
  readonly bindings: readonly PortBinding[];
}

const protocolNumbers = { tcp: 6, udp: 17 } as const;

/** Elements of the maps for what is published. IPv6 has none: it goes through the proxy (src/network/proxy.ts). */
export function portElements(published: readonly PublishedPorts[]): PortElements {
  const anyAddress: MapElement[] = [];
  const oneAddress: MapElement[] = [];
  for (const { address, bindings } of published) {
    for (const b of bindings) {
      if (b.hostIp.includes(':')) continue;
      const key = [Uint8Array.of(protocolNumbers[b.protocol]), portBytes(b.hostPort)];
      const data = [ipv4Bytes(address), portBytes(b.containerPort)];
      const text = `${b.protocol} . ${b.hostPort} : ${address} . ${b.containerPort}`;
      if (b.hostIp === '' || b.hostIp === '0.0.0.0') anyAddress.push({ key, data, text });
      else oneAddress.push({ key: [ipv4Bytes(b.hostIp), ...key], data, text: `${b.hostIp} . ${text}` });
    }
  }
  return { anyAddress, oneAddress };
}

/** Lets packets for the bindings through to the container. The host's ports must be reserved before (`reservePorts`). */
export function* publishPorts(netlink: Netlink, bridge: Bridge, published: PublishedPorts): Procedure {
  const elements = portElements([published]);
  if (isEmpty(elements)) return;
  const add = netlink.netfilter.call(changes(bridge.name, elements, addElements));
  const remove = unpublishCall(netlink, bridge.name, elements);
  let added = false;
  const publish = (): number => {
    const value = perform(add) as number;
    added = value === 0;
    return value;
  };
  yield* step({
    id: 'network.publish',
    what: `Publish ${describeBindings(published.bindings)} of ${published.address}`,
    calls: [{ ...add, perform: publish }],
    shell: commands(bridge.name, elements, 'add'),
    look: `nft list table ip ${bridge.name}`,
    // What was refused, since another container has it, is not ours to delete.
    undo: [{ ...remove, perform: () => (added ? perform(remove) : 0) }],
  });
  yield* forgetFlows(netlink, published);
}

/** Takes the bindings back. Connections of TCP that are open stay until they end. */
export function* unpublishPorts(netlink: Netlink, bridge: Pick<Bridge, 'name'>, published: PublishedPorts): Procedure {
  const elements = portElements([published]);
  if (isEmpty(elements)) return;
  yield* step({
    id: 'network.unpublish',
    what: `Unpublish ${describeBindings(published.bindings)} of ${published.address}`,
    calls: [unpublishCall(netlink, bridge.name, elements)],
    shell: commands(bridge.name, elements, 'delete'),
    look: `nft list table ip ${bridge.name}`,
  });
  yield* forgetFlows(netlink, published);
}

/**
 * The kernel decides once for a flow where it goes, and UDP flows have no end: a caller that goes on sending would reach
 * the container that had the port before, or whoever has its address by then.
 */
function* forgetFlows(netlink: Netlink, published: PublishedPorts): Procedure {
  const ports = new Set(published.bindings.filter((b) => b.protocol === 'udp').map((b) => b.hostPort));
  for (const port of ports) {
    const flows = forgetUdpFlows(netlink.netfilter, port);
    for (let from = 0; from < flows.length; from += forgetAtOnce) {
      yield* step({
        id: 'network.forget',
        what: `Forget where UDP packets for port ${port} went until now`,
        calls: [netlink.netfilter.call(flows.slice(from, from + forgetAtOnce), { accept: [errno.ENOENT] })],
        shell: `conntrack --delete --proto udp --dport ${port}`,
        look: `grep dport=${port} /proc/net/nf_conntrack`,
      });
    }
  }
}

/** Requests in one datagram, whose acknowledgements the socket's buffer must hold. */
const forgetAtOnce = 128;

const isEmpty = (e: PortElements): boolean => e.anyAddress.length + e.oneAddress.length === 0;

function changes(table: string, elements: PortElements, change: (table: string, map: string, elements: readonly MapElement[]) => Message): Message[] {
  const inMaps = (['anyAddress', 'oneAddress'] as const).filter((map) => elements[map].length > 0);
  return batch(inMaps.map((map) => change(table, portMaps[map].name, elements[map])));
}

const unpublishCall = (netlink: Netlink, table: string, elements: PortElements) =>
  netlink.netfilter.call(changes(table, elements, deleteElements), { accept: [errno.ENOENT] });

function commands(table: string, elements: PortElements, verb: 'add' | 'delete'): string {
  const lines = (['anyAddress', 'oneAddress'] as const).flatMap((map) => {
    const listed = elements[map].map((e) => (verb === 'add' ? e.text : e.text.split(' : ')[0]!));
    return listed.length ? [`nft ${verb} element ip ${table} ${portMaps[map].name} '{ ${listed.join(', ')} }'`] : [];
  });
  return lines.join('\n');
}

/** `0.0.0.0:8080->80/tcp`, as `docker ps` prints it. */
export function describeBindings(bindings: readonly PortBinding[]): string {
  return bindings.map((b) => `${hostAddress(b)}:${b.hostPort}->${b.containerPort}/${b.protocol}`).join(', ');
}

const hostAddress = (b: PortBinding): string => (b.hostIp === '' ? '0.0.0.0' : b.hostIp.includes(':') ? `[${b.hostIp}]` : b.hostIp);
