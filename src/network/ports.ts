/**
 * Published ports in the bridge's packet filter: a binding is an element of a map, so that publishing is one small
 * transaction whatever else is published.
 */
import { errno } from '../kernel/errno.ts';
import { ipv4Bytes, ipv4Text } from '../kernel/netlink/attribute.ts';
import { forgetUdpFlows } from '../kernel/netlink/conntrack.ts';
import type { Message } from '../kernel/netlink/message.ts';
import { addElements, batch, concatenate, deleteElements, elementsOf, getElements, portBytes, type MapElement } from '../kernel/netlink/nftables.ts';
import { perform } from '../kernel/perform.ts';
import { same, type Condition } from '../step/goal.ts';
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
export function* publishPorts(netlink: Netlink, bridge: Pick<Bridge, 'name'>, published: PublishedPorts): Procedure {
  const elements = portElements([published]);
  if (isEmpty(elements)) return;
  const add = netlink.netfilter.call(changes(bridge.name, elements, addElements));
  const remove = unpublishCall(netlink, bridge.name, elements);
  let refused = false;
  const publish = (): number => {
    const value = perform(add) as number;
    refused = value < 0;
    return value;
  };
  yield* step({
    id: 'network.publish',
    what: `Publish ${describeBindings(published.bindings)} of ${published.address}`,
    calls: [{ ...add, perform: publish }],
    shell: commands(bridge.name, elements, 'add'),
    look: `nft list table ip ${bridge.name}`,
    goal: () => inMaps(elements).flatMap(({ name, elements: wanted }) => mapped(netlink, bridge.name, name, wanted)),
    // What was refused, since another container has it, is not ours to delete.
    undo: [{ ...remove, perform: () => (refused ? 0 : perform(remove)) }],
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
    undone: 'is itself the end of something',
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
        undone: 'is not: a flow that goes on is tracked anew',
      });
    }
  }
}

/** Requests in one datagram, whose acknowledgements the socket's buffer must hold. */
const forgetAtOnce = 128;

const isEmpty = (e: PortElements): boolean => e.anyAddress.length + e.oneAddress.length === 0;

/** The maps that have something of these elements, by their names in the table. */
const inMaps = (elements: PortElements): { readonly name: string; readonly elements: readonly MapElement[] }[] =>
  (['anyAddress', 'oneAddress'] as const).filter((map) => elements[map].length > 0).map((map) => ({ name: portMaps[map].name, elements: elements[map] }));

function changes(table: string, elements: PortElements, change: (table: string, map: string, elements: readonly MapElement[]) => Message): Message[] {
  return batch(inMaps(elements).map((map) => change(table, map.name, map.elements)));
}

/** Each of the elements is in the map, with its own data: a port leads to the container, and to no other. */
function mapped(netlink: Netlink, table: string, map: string, wanted: readonly MapElement[]): Condition[] {
  const there = new Map(elementsOf(netlink.netfilter.dump(getElements(table, map))).map(({ key, data }) => [bytesText(key), data]));
  return wanted.map((element) => {
    const [key, data] = element.text.split(' : ') as [string, string];
    const found = there.get(bytesText(concatenate(element.key)));
    const text = found && `${ipv4Text(found.subarray(0, 4))} . ${Buffer.from(found).readUInt16BE(4)}`;
    return same(`${key} in the map ${map} of the table ip ${table}`, data, text ?? '');
  });
}

const bytesText = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const unpublishCall = (netlink: Netlink, table: string, elements: PortElements) =>
  netlink.netfilter.call(changes(table, elements, deleteElements), { accept: [errno.ENOENT] });

function commands(table: string, elements: PortElements, verb: 'add' | 'delete'): string {
  const lines = inMaps(elements).map((map) => {
    const listed = map.elements.map((e) => (verb === 'add' ? e.text : e.text.split(' : ')[0]!));
    return `nft ${verb} element ip ${table} ${map.name} '{ ${listed.join(', ')} }'`;
  });
  return lines.join('\n');
}

/** `0.0.0.0:8080->80/tcp`, as `docker ps` prints it. */
function describeBindings(bindings: readonly PortBinding[]): string {
  return bindings.map((b) => `${hostAddress(b)}:${b.hostPort}->${b.containerPort}/${b.protocol}`).join(', ');
}

const hostAddress = (b: PortBinding): string => (b.hostIp === '' ? '0.0.0.0' : b.hostIp.includes(':') ? `[${b.hostIp}]` : b.hostIp);
