/** What the kernel has now: interfaces, addresses and routes, read by rtnetlink dumps. */
import { align, Attributes, ipText, ipv4Text } from './attribute.ts';
import { addressAttributes, kindOf, linkAttributes, listRequests, routeAttributes, routeTypes } from './rtnetlink.ts';
import type { NetlinkSocket } from './socket.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  /** `bridge`, `veth`, …; physical interfaces have none. */
  readonly kind: string | undefined;
  /** Index of the interface that it is a part of: the bridge that it is a port of, a bond, a VRF. */
  readonly master: number | undefined;
  /** Index of the interface that it hangs on: of a veth the other end's, in whatever namespace that is. */
  readonly peer: number | undefined;
  readonly address: string;
  readonly mtu: number;
  /** Switched on, by whoever administers it. */
  readonly up: boolean;
  /** Something is at the other end, and is switched on too. */
  readonly carrier: boolean;
  /** The namespace that the peer's index counts in, by the number that this namespace knows it by; absent for this one. */
  readonly peerNamespace: number | undefined;
}

export interface Address {
  readonly index: number;
  readonly address: string;
  readonly prefix: number;
}

/** The family of an address: AF_INET or AF_INET6. */
export type Family = 2 | 10;

export interface Route {
  /** `0.0.0.0` with prefix 0 is a default route. */
  readonly destination: string;
  readonly prefix: number;
  readonly gateway: string | undefined;
  /** Index of the interface it leaves by. */
  readonly interface: number | undefined;
  /** `unicast`, `local`, `broadcast`, `blackhole`, … */
  readonly type: string;
  /** Number of the routing table: 254 is `main`, 255 `local`. */
  readonly table: number;
  /** The address that packets by this route get as their source. */
  readonly source: string | undefined;
  readonly metric: number;
}

const IFF_UP = 1;
const IFF_LOWER_UP = 0x10000;

/** All interfaces of the socket's namespace. */
export function listLinks(socket: NetlinkSocket): Link[] {
  return socket.dump(listRequests.links).map(({ body }) => {
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const attributes = new Attributes(body.subarray(16));
    return {
      index: view.getInt32(4, true),
      name: attributes.string(linkAttributes.IFLA_IFNAME) ?? '',
      kind: kindOf(attributes),
      master: attributes.u32(linkAttributes.IFLA_MASTER),
      peer: attributes.u32(linkAttributes.IFLA_LINK),
      address: [...(attributes.bytes(linkAttributes.IFLA_ADDRESS) ?? [])].map((b) => b.toString(16).padStart(2, '0')).join(':'),
      mtu: attributes.u32(linkAttributes.IFLA_MTU) ?? 0,
      up: (view.getUint32(8, true) & IFF_UP) !== 0,
      carrier: (view.getUint32(8, true) & IFF_LOWER_UP) !== 0,
      peerNamespace: attributes.u32(linkAttributes.IFLA_LINK_NETNSID),
    };
  });
}

/** All addresses of a family, by default IPv4, of the socket's namespace. */
export function listAddresses(socket: NetlinkSocket, family: Family = 2): Address[] {
  return socket.dump({ ...listRequests.addresses, header: Uint8Array.of(family, 0, 0, 0, 0, 0, 0, 0) }).flatMap(({ body }) => {
    const attributes = new Attributes(body.subarray(8));
    const address = attributes.bytes(addressAttributes.IFA_LOCAL) ?? attributes.bytes(addressAttributes.IFA_ADDRESS);
    if (!address) return [];
    return [{ index: new DataView(body.buffer, body.byteOffset).getUint32(4, true), address: ipText(address), prefix: body[1]! }];
  });
}

/** All IPv4 routes of the socket's namespace, in all routing tables; one that leads several ways is listed once for each. */
export function listRoutes(socket: NetlinkSocket): Route[] {
  return socket.dump(listRequests.routes).flatMap(({ body }) => {
    const attributes = new Attributes(body.subarray(12));
    const destination = attributes.bytes(routeAttributes.RTA_DST);
    const source = attributes.bytes(routeAttributes.RTA_PREFSRC);
    const several = attributes.bytes(routeAttributes.RTA_MULTIPATH);
    const hops = several ? nextHops(several) : [{ interface: attributes.u32(routeAttributes.RTA_OIF), gateway: gatewayOf(attributes) }];
    return hops.map((hop) => ({
      destination: destination ? ipv4Text(destination) : '0.0.0.0',
      prefix: body[1]!,
      ...hop,
      type: routeTypes[body[7]!] ?? String(body[7]),
      table: attributes.u32(routeAttributes.RTA_TABLE) ?? body[4]!,
      source: source && ipv4Text(source),
      metric: attributes.u32(routeAttributes.RTA_PRIORITY) ?? 0,
    }));
  });
}

function gatewayOf(attributes: Attributes): string | undefined {
  const gateway = attributes.bytes(routeAttributes.RTA_GATEWAY);
  return gateway && ipv4Text(gateway);
}

/** A row of struct rtnexthop, each with its attributes. */
function nextHops(encoded: Uint8Array): Pick<Route, 'interface' | 'gateway'>[] {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.length);
  const hops: Pick<Route, 'interface' | 'gateway'>[] = [];
  for (let at = 0; at + 8 <= encoded.length;) {
    const length = view.getUint16(at, true);
    if (length < 8 || at + length > encoded.length) break; // malformed: nothing after it can be trusted
    hops.push({ interface: view.getInt32(at + 4, true), gateway: gatewayOf(new Attributes(encoded.subarray(at + 8, at + length))) });
    at += align(length);
  }
  return hops;
}
