/**
 * rtnetlink requests: interfaces, addresses and routes, what `ip` speaks. See rtnetlink(7), include/uapi/linux/rtnetlink.h
 * and include/uapi/linux/if_link.h.
 */
import { Unknown, type Known } from '../call.ts';
import { ipv4, mac, nested, string, u32, u8, type Attribute, type Attributes } from './attribute.ts';
import { messageFlags, type Message, type Reply } from './message.ts';

const types = {
  RTM_NEWLINK: 16,
  RTM_DELLINK: 17,
  RTM_GETLINK: 18,
  RTM_NEWADDR: 20,
  RTM_DELADDR: 21,
  RTM_GETADDR: 22,
  RTM_NEWROUTE: 24,
  RTM_DELROUTE: 25,
  RTM_GETROUTE: 26,
} as const;

export const linkAttributes = {
  IFLA_ADDRESS: 1,
  IFLA_IFNAME: 3,
  IFLA_MTU: 4,
  IFLA_LINK: 5,
  IFLA_MASTER: 10,
  IFLA_LINKINFO: 18,
  IFLA_AF_SPEC: 26,
  IFLA_GROUP: 27,
  IFLA_NET_NS_FD: 28,
  IFLA_LINK_NETNSID: 37,
} as const;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const VETH_INFO_PEER = 1;
const IFLA_BRPORT_MODE = 4; // hairpin
const IFLA_INET6_ADDR_GEN_MODE = 8;
const IN6_ADDR_GEN_MODE_NONE = 1;
const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;
const IFF_UP = 1;

export const addressAttributes = { IFA_ADDRESS: 1, IFA_LOCAL: 2, IFA_LABEL: 3, IFA_BROADCAST: 4 } as const;
export const routeAttributes = {
  RTA_DST: 1,
  RTA_SRC: 2,
  RTA_IIF: 3,
  RTA_OIF: 4,
  RTA_GATEWAY: 5,
  RTA_PRIORITY: 6,
  RTA_PREFSRC: 7,
  RTA_MULTIPATH: 9,
  RTA_TABLE: 15,
  RTA_MARK: 16,
  RTA_IP_PROTO: 27,
  RTA_SPORT: 28,
  RTA_DPORT: 29,
} as const;
/** What a route does with a packet, by its number (RTN_UNICAST, …). */
export const routeTypes = ['unspec', 'unicast', 'local', 'broadcast', 'anycast', 'multicast', 'blackhole', 'unreachable', 'prohibit', 'throw', 'nat'] as const;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
/** Of a route to delete: any. */
const RT_SCOPE_NOWHERE = 255;
const RTN_UNICAST = 1;

/** What may be set on an interface, when it is made or later. */
export interface LinkSettings {
  /** Hardware address, `02:42:ac:11:00:02`. */
  readonly address?: string;
  /** Bytes. */
  readonly mtu?: number;
  /** Index of the bridge that it becomes a port of. */
  readonly master?: Known;
  readonly up?: boolean;
  /** The namespace in which it is born, or into which it moves: a descriptor of it. */
  readonly namespace?: Known;
  /** No link-local IPv6 address of its own accord. */
  readonly noLinkLocal?: boolean;
}

/** RTM_NEWLINK of a bridge. */
export function addBridge(name: string, settings: LinkSettings = {}): Message {
  return newLink(settings, [string(linkAttributes.IFLA_IFNAME, 'ifname', name), ...settingsOf(settings), kind('bridge')]);
}

/** RTM_NEWLINK of a pair of veth interfaces: `name` here, `peer` wherever its settings say. */
export function addVeth(name: string, settings: LinkSettings, peer: LinkSettings & { readonly name: string }): Message {
  const peerAttributes = [string(linkAttributes.IFLA_IFNAME, 'ifname', peer.name), ...settingsOf(peer)];
  const peerInfo = peerAttribute(peer, peerAttributes);
  return newLink(settings, [string(linkAttributes.IFLA_IFNAME, 'ifname', name), ...settingsOf(settings), kind('veth', [peerInfo])]);
}

/** RTM_NEWLINK that changes an existing interface, by index or by name. */
export function setLink(link: Known | string, settings: LinkSettings): Message {
  return changeLink(link, settings.up, settingsOf(settings));
}

/** RTM_NEWLINK that lets a bridge send a frame back out of the port it came from. */
export function setHairpin(port: Known | string, on: boolean): Message {
  return changeLink(port, undefined, [
    nested(linkAttributes.IFLA_LINKINFO, 'linkinfo', [
      string(IFLA_INFO_SLAVE_KIND, 'slave_kind', 'bridge'),
      nested(IFLA_INFO_SLAVE_DATA, 'slave_data', [u8(IFLA_BRPORT_MODE, 'hairpin', on ? 1 : 0)]),
    ]),
  ]);
}

/** RTM_DELLINK by name. */
export function deleteLink(name: string): Message {
  return {
    name: 'RTM_DELLINK',
    type: types.RTM_DELLINK,
    flags: 0,
    header: linkHeader(),
    headerText: '',
    attributes: [string(linkAttributes.IFLA_IFNAME, 'ifname', name)],
  };
}

/** RTM_NEWLINK that puts an interface into a numbered group. */
export function setGroup(name: string, group: number): Message {
  return changeLink(name, undefined, [u32(linkAttributes.IFLA_GROUP, 'group', group)]);
}

/** RTM_DELLINK of all interfaces of a group, for which the kernel waits once, not once for each. ENODEV where it has none. */
export function deleteGroup(group: number): Message {
  return {
    name: 'RTM_DELLINK',
    type: types.RTM_DELLINK,
    flags: 0,
    header: linkHeader(),
    headerText: '',
    attributes: [u32(linkAttributes.IFLA_GROUP, 'group', group)],
  };
}

/** RTM_GETLINK by name; {@link linkIndex} reads the answer. */
export function getLink(name: string): Message {
  return {
    name: 'RTM_GETLINK',
    type: types.RTM_GETLINK,
    flags: 0,
    header: linkHeader(),
    headerText: '',
    attributes: [string(linkAttributes.IFLA_IFNAME, 'ifname', name)],
  };
}

/** The index of the interface that an answer to {@link getLink} describes; a negative errno where there is none. */
export function linkIndex(replies: readonly Reply[]): number {
  const body = replies.find((r) => r.type === types.RTM_NEWLINK)?.body;
  return body ? new DataView(body.buffer, body.byteOffset).getInt32(4, true) : -19; // ENODEV
}

/** RTM_NEWADDR: an IPv4 address with its prefix length, and the broadcast address if the subnet has one. */
export function addAddress(index: Known, address: string, prefix: number, broadcast?: string): Message {
  return {
    ...addressMessage('RTM_NEWADDR', index, address, prefix),
    flags: messageFlags.NLM_F_CREATE | messageFlags.NLM_F_EXCL,
    attributes: [
      ipv4(addressAttributes.IFA_LOCAL, 'local', address),
      ipv4(addressAttributes.IFA_ADDRESS, 'address', address),
      ...(broadcast === undefined ? [] : [ipv4(addressAttributes.IFA_BROADCAST, 'broadcast', broadcast)]),
    ],
  };
}

/** RTM_DELADDR of an IPv4 address. */
export function deleteAddress(index: Known, address: string, prefix: number): Message {
  return addressMessage('RTM_DELADDR', index, address, prefix);
}

function addressMessage(name: 'RTM_NEWADDR' | 'RTM_DELADDR', index: Known, address: string, prefix: number): Message {
  return {
    name,
    type: types[name],
    flags: 0,
    header: header(8, (v) => {
      v.setUint8(0, AF_INET);
      v.setUint8(1, prefix);
      v.setUint32(4, numberOf(index), true);
    }),
    headerText: `index=${index}, prefixlen=${prefix}`,
    unknown: index instanceof Unknown,
    attributes: [ipv4(addressAttributes.IFA_LOCAL, 'local', address)],
  };
}

/** Where a route leads: to a destination (none: everywhere), by a gateway, by an interface, or both. */
export interface RoutePath {
  readonly destination?: { readonly address: string; readonly prefix: number };
  readonly gateway?: string;
  /** Index of the interface. */
  readonly interface?: Known;
}

/** RTM_NEWROUTE: an IPv4 route by a gateway; without destination, the default route. */
export function addRoute(gateway: string, destination?: { readonly address: string; readonly prefix: number }): Message {
  return addRouteBy({ gateway, ...(destination ? { destination } : {}) });
}

/** RTM_NEWROUTE: an IPv4 route. */
export function addRouteBy(path: RoutePath): Message {
  return { ...routeMessage('RTM_NEWROUTE', path), flags: messageFlags.NLM_F_CREATE | messageFlags.NLM_F_EXCL };
}

/** RTM_DELROUTE of the main table's route that leads there. */
export function deleteRoute(path: RoutePath): Message {
  return routeMessage('RTM_DELROUTE', path);
}

function routeMessage(name: 'RTM_NEWROUTE' | 'RTM_DELROUTE', path: RoutePath): Message {
  const { destination, gateway } = path;
  const adding = name === 'RTM_NEWROUTE';
  return {
    name,
    type: types[name],
    flags: 0,
    header: header(12, (v) => {
      v.setUint8(0, AF_INET);
      v.setUint8(1, destination?.prefix ?? 0);
      v.setUint8(4, RT_TABLE_MAIN);
      // Whoever made the route that is to go (0: any), whatever its type (0: any) and scope.
      v.setUint8(5, adding ? RTPROT_BOOT : 0);
      // Without a gateway the destination is on the wire itself.
      v.setUint8(6, !adding ? RT_SCOPE_NOWHERE : gateway === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
      v.setUint8(7, adding ? RTN_UNICAST : 0);
    }),
    headerText: destination ? `dst_len=${destination.prefix}` : 'default',
    attributes: [
      ...(destination ? [ipv4(routeAttributes.RTA_DST, 'dst', destination.address)] : []),
      ...(gateway === undefined ? [] : [ipv4(routeAttributes.RTA_GATEWAY, 'gateway', gateway)]),
      ...(path.interface === undefined ? [] : [u32(routeAttributes.RTA_OIF, 'oif', path.interface)]),
    ],
  };
}

/** The request for a list of all interfaces, IPv4 addresses or IPv4 routes, for `NetlinkSocket.dump`. */
export const listRequests = {
  links: { name: 'RTM_GETLINK', type: types.RTM_GETLINK, flags: 0, header: linkHeader(), headerText: '', attributes: [] },
  addresses: { name: 'RTM_GETADDR', type: types.RTM_GETADDR, flags: 0, header: header(8, (v) => v.setUint8(0, AF_INET)), headerText: '', attributes: [] },
  routes: { name: 'RTM_GETROUTE', type: types.RTM_GETROUTE, flags: 0, header: header(12, (v) => v.setUint8(0, AF_INET)), headerText: '', attributes: [] },
} as const satisfies Record<string, Message>;

/** The kind of interface that a link's IFLA_LINKINFO names: `bridge`, `veth`; a physical one has none. */
export const kindOf = (link: Attributes): string | undefined => link.nested(linkAttributes.IFLA_LINKINFO)?.string(IFLA_INFO_KIND);

function numberOf(value: Known): number {
  return value instanceof Unknown ? 0 : value;
}

function header(size: number, set: (view: DataView) => void): Uint8Array {
  const out = new Uint8Array(size);
  set(new DataView(out.buffer));
  return out;
}

/** struct ifinfomsg */
function linkHeader(index: Known = 0, up?: boolean): Uint8Array {
  return header(16, (v) => {
    v.setUint8(0, AF_UNSPEC);
    v.setInt32(4, numberOf(index), true);
    if (up === undefined) return;
    v.setUint32(8, up ? IFF_UP : 0, true);
    v.setUint32(12, IFF_UP, true);
  });
}

const upText = (up: boolean | undefined): string => (up === undefined ? '' : up ? 'IFF_UP' : '!IFF_UP');

function newLink(settings: LinkSettings, attributes: readonly Attribute[]): Message {
  return {
    name: 'RTM_NEWLINK',
    type: types.RTM_NEWLINK,
    flags: messageFlags.NLM_F_CREATE | messageFlags.NLM_F_EXCL,
    header: linkHeader(0, settings.up),
    headerText: upText(settings.up),
    attributes,
  };
}

function changeLink(link: Known | string, up: boolean | undefined, attributes: readonly Attribute[]): Message {
  const byName = typeof link === 'string';
  return {
    name: 'RTM_NEWLINK',
    type: types.RTM_NEWLINK,
    flags: 0,
    header: linkHeader(byName ? 0 : link, up),
    unknown: link instanceof Unknown,
    headerText: [byName ? '' : `index=${link}`, upText(up)].filter(Boolean).join(', '),
    attributes: byName ? [string(linkAttributes.IFLA_IFNAME, 'ifname', link), ...attributes] : attributes,
  };
}

function settingsOf(s: LinkSettings): Attribute[] {
  const attributes: Attribute[] = [];
  if (s.namespace !== undefined) attributes.push(u32(linkAttributes.IFLA_NET_NS_FD, 'net_ns_fd', s.namespace));
  if (s.address !== undefined) attributes.push(mac(linkAttributes.IFLA_ADDRESS, 'address', s.address));
  if (s.mtu !== undefined) attributes.push(u32(linkAttributes.IFLA_MTU, 'mtu', s.mtu));
  if (s.master !== undefined) attributes.push(u32(linkAttributes.IFLA_MASTER, 'master', s.master));
  if (s.noLinkLocal) {
    const mode = u8(IFLA_INET6_ADDR_GEN_MODE, 'addr_gen_mode', IN6_ADDR_GEN_MODE_NONE);
    attributes.push(nested(linkAttributes.IFLA_AF_SPEC, 'af_spec', [nested(AF_INET6, 'inet6', [mode])]));
  }
  return attributes;
}

function kind(name: string, data: readonly Attribute[] = []): Attribute {
  return nested(linkAttributes.IFLA_LINKINFO, 'linkinfo', [
    string(IFLA_INFO_KIND, 'kind', name),
    ...(data.length ? [nested(IFLA_INFO_DATA, 'data', data)] : []),
  ]);
}

/** VETH_INFO_PEER holds a struct ifinfomsg before its attributes, unlike any other nested attribute. */
function peerAttribute(peer: LinkSettings, attributes: readonly Attribute[]): Attribute {
  const group = nested(VETH_INFO_PEER, 'peer', attributes);
  return { ...group, prefix: linkHeader(0, peer.up), text: peer.up === undefined ? group.text : group.text.replace('{', `{${upText(peer.up)}, `) };
}
