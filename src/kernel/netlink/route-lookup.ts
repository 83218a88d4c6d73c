/**
 * Asks the kernel which way a packet would go: RTM_GETROUTE for one destination, as `ip route get` does. With an incoming
 * interface it answers as for a packet that arrives there, and refuses what would be dropped: EXDEV by the reverse path filter,
 * EHOSTUNREACH where the interface does not forward, EINVAL for a source that cannot come from there. See rtnetlink(7).
 */
import { errno } from '../errno.ts';
import { perform } from '../perform.ts';
import { Attributes, ipv4, ipv4Text, u16be, u32, u8, type Attribute } from './attribute.ts';
import type { Message } from './message.ts';
import { routeAttributes, routeTypes } from './rtnetlink.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_GETROUTE = 26;
const AF_INET = 2;

/** A packet, as far as routing looks at it. */
export interface RouteQuery {
  readonly destination: string;
  readonly source?: string | undefined;
  /** Index of the interface that it arrives by; absent for one that is sent here. */
  readonly incoming?: number | undefined;
  /** IPPROTO_TCP, …; routing rules may look at it. */
  readonly protocol?: number | undefined;
  readonly sourcePort?: number | undefined;
  readonly destinationPort?: number | undefined;
  /** What the packet filter gave it; 0 is none. */
  readonly mark?: number | undefined;
}

/** The route that is taken. */
export interface RouteAnswer {
  readonly type: (typeof routeTypes)[number];
  readonly interface: number | undefined;
  readonly gateway: string | undefined;
  /** What becomes the source address, where none was given. */
  readonly source: string | undefined;
}

/** No route: the errno, and the kernel's own words if it had any. */
export interface NoRoute {
  readonly errno: number;
  readonly detail: string | undefined;
}

/** The route of one packet in the socket's namespace. */
export function lookupRoute(socket: NetlinkSocket, query: RouteQuery): RouteAnswer | NoRoute {
  let found: RouteAnswer | undefined;
  const asked = socket.call([message(query)], {
    answer: (replies) => {
      const body = replies[0]?.body;
      if (!body) return -errno.ENODATA;
      const answer = new Attributes(body.subarray(12));
      const gateway = answer.bytes(routeAttributes.RTA_GATEWAY);
      const source = answer.bytes(routeAttributes.RTA_PREFSRC);
      found = {
        type: routeTypes[body[7]!] ?? 'unspec',
        interface: answer.u32(routeAttributes.RTA_OIF),
        gateway: gateway && ipv4Text(gateway),
        source: source && ipv4Text(source),
      };
      return 0;
    },
  });
  const value = perform(asked) as number;
  return found ?? { errno: -value, detail: asked.failureDetail?.(-value) };
}

function message(query: RouteQuery): Message {
  const header = new Uint8Array(12);
  const view = new DataView(header.buffer);
  view.setUint8(0, AF_INET);
  view.setUint8(1, 32);
  view.setUint8(2, query.source === undefined ? 0 : 32);
  const asked: Attribute[] = [ipv4(routeAttributes.RTA_DST, 'dst', query.destination)];
  if (query.source !== undefined) asked.push(ipv4(routeAttributes.RTA_SRC, 'src', query.source));
  if (query.incoming !== undefined) asked.push(u32(routeAttributes.RTA_IIF, 'iif', query.incoming));
  if (query.protocol !== undefined) asked.push(u8(routeAttributes.RTA_IP_PROTO, 'ip_proto', query.protocol));
  if (query.sourcePort !== undefined) asked.push(u16be(routeAttributes.RTA_SPORT, 'sport', query.sourcePort));
  if (query.destinationPort !== undefined) asked.push(u16be(routeAttributes.RTA_DPORT, 'dport', query.destinationPort));
  if (query.mark) asked.push(u32(routeAttributes.RTA_MARK, 'mark', query.mark));
  return { name: 'RTM_GETROUTE', type: RTM_GETROUTE, flags: 0, header, headerText: '', attributes: asked };
}
