/** What the kernel has now: interfaces, IPv4 addresses and IPv4 routes, read by rtnetlink dumps. */
import { Attributes, ipv4Text } from './attribute.ts';
import { addressAttributes, kindOf, linkAttributes, listRequests, routeAttributes } from './rtnetlink.ts';
import type { NetlinkSocket } from './socket.ts';

export interface Link {
  readonly index: number;
  readonly name: string;
  /** `bridge`, `veth`, …; physical interfaces have none. */
  readonly kind: string | undefined;
  /** Index of the bridge that it is a port of. */
  readonly master: number | undefined;
  readonly address: string;
  readonly mtu: number;
  readonly up: boolean;
}

export interface Address {
  readonly index: number;
  readonly address: string;
  readonly prefix: number;
}

export interface Route {
  /** `0.0.0.0` with prefix 0 is a default route. */
  readonly destination: string;
  readonly prefix: number;
  readonly gateway: string | undefined;
  /** Index of the interface it leaves by. */
  readonly interface: number | undefined;
}

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
      address: [...(attributes.bytes(linkAttributes.IFLA_ADDRESS) ?? [])].map((b) => b.toString(16).padStart(2, '0')).join(':'),
      mtu: attributes.u32(linkAttributes.IFLA_MTU) ?? 0,
      up: (view.getUint32(8, true) & 1) === 1,
    };
  });
}

/** All IPv4 addresses of the socket's namespace. */
export function listAddresses(socket: NetlinkSocket): Address[] {
  return socket.dump(listRequests.addresses).flatMap(({ body }) => {
    const attributes = new Attributes(body.subarray(8));
    const address = attributes.bytes(addressAttributes.IFA_LOCAL) ?? attributes.bytes(addressAttributes.IFA_ADDRESS);
    if (!address) return [];
    return [{ index: new DataView(body.buffer, body.byteOffset).getUint32(4, true), address: ipv4Text(address), prefix: body[1]! }];
  });
}

/** All IPv4 routes of the socket's namespace, in all routing tables. */
export function listRoutes(socket: NetlinkSocket): Route[] {
  return socket.dump(listRequests.routes).map(({ body }) => {
    const attributes = new Attributes(body.subarray(12));
    const destination = attributes.bytes(routeAttributes.RTA_DST);
    const gateway = attributes.bytes(routeAttributes.RTA_GATEWAY);
    return {
      destination: destination ? ipv4Text(destination) : '0.0.0.0',
      prefix: body[1]!,
      gateway: gateway && ipv4Text(gateway),
      interface: attributes.u32(routeAttributes.RTA_OIF),
    };
  });
}
