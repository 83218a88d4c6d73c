/**
 * Connection tracking: the flows whose addresses the kernel rewrites, each by the decision made for its first packet.
 * See include/uapi/linux/netfilter/nfnetlink_conntrack.h.
 */
import { Attributes, ipv4Text, NLA_F_NESTED, nested, raw, u16be, u32, u8, type Attribute } from './attribute.ts';
import type { Message } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

const NFNL_SUBSYS_CTNETLINK = 1;
const types = { IPCTNL_MSG_CT_GET: 1, IPCTNL_MSG_CT_DELETE: 2 } as const;
const AF_INET = 2;
const CTA_TUPLE_ORIG = 1;
const CTA_FILTER = 25;
const CTA_FILTER_ORIG_FLAGS = 1;
const CTA_FILTER_REPLY_FLAGS = 2;
const CTA_FILTER_F_CTA_PROTO_NUM = 8;
const CTA_FILTER_F_CTA_PROTO_DST_PORT = 32;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_PROTO_ICMP_ID = 4;
const IPPROTO_UDP = 17;

const request = (name: keyof typeof types, attributes: readonly Attribute[]): Message => ({
  name,
  type: (NFNL_SUBSYS_CTNETLINK << 8) | types[name],
  flags: 0,
  header: Uint8Array.of(AF_INET, 0, 0, 0),
  headerText: '',
  attributes,
});

/** A flow as its first packet came, before its addresses were rewritten. */
export interface TrackedFlow {
  /** IPPROTO_TCP, … */
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** Of ICMP the id; 0 where the protocol has none. */
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/**
 * Some of the tracked flows, as requests that make the kernel forget them. ENOENT where one has ended by itself.
 * @param socket of NETLINK_NETFILTER
 * @param narrowed what the kernel is asked to list, where that is not all; kernels before 5.8 list all
 * @throws KernelError when the kernel refuses to list them
 */
export function forgetFlows(
  socket: NetlinkSocket,
  wanted: (flow: TrackedFlow) => boolean,
  narrowed?: Pick<TrackedFlow, 'protocol' | 'destinationPort'>,
): Message[] {
  return socket.dump(request('IPCTNL_MSG_CT_GET', narrowed ? filterOf(narrowed) : [])).flatMap(({ body }) => {
    const original = new Attributes(body.subarray(4)).nested(CTA_TUPLE_ORIG);
    const address = original?.bytes(CTA_TUPLE_IP);
    const proto = original?.bytes(CTA_TUPLE_PROTO);
    if (!address || !proto || !wanted(trackedFlow(address, proto))) return [];
    const tuple = [rawNested(CTA_TUPLE_IP, 'ip', address), rawNested(CTA_TUPLE_PROTO, 'proto', proto)];
    return [request('IPCTNL_MSG_CT_DELETE', [nested(CTA_TUPLE_ORIG, 'orig', tuple)])];
  });
}

/** The flows of UDP to a port, as requests that make the kernel forget them. */
export const forgetUdpFlows = (socket: NetlinkSocket, port: number): Message[] =>
  forgetFlows(socket, (flow) => flow.protocol === IPPROTO_UDP && flow.destinationPort === port, { protocol: IPPROTO_UDP, destinationPort: port });

function trackedFlow(address: Uint8Array, proto: Uint8Array): TrackedFlow {
  const [ip, transport] = [new Attributes(address), new Attributes(proto)];
  return {
    protocol: transport.bytes(CTA_PROTO_NUM)?.[0] ?? 0,
    source: ipv4Text(ip.bytes(CTA_IP_V4_SRC) ?? new Uint8Array(4)),
    destination: ipv4Text(ip.bytes(CTA_IP_V4_DST) ?? new Uint8Array(4)),
    sourcePort: transport.u16be(CTA_PROTO_SRC_PORT) ?? transport.u16be(CTA_PROTO_ICMP_ID) ?? 0,
    destinationPort: transport.u16be(CTA_PROTO_DST_PORT) ?? 0,
  };
}

function filterOf({ protocol, destinationPort }: Pick<TrackedFlow, 'protocol' | 'destinationPort'>): Attribute[] {
  const to = nested(CTA_TUPLE_PROTO, 'proto', [u8(CTA_PROTO_NUM, 'num', protocol), u16be(CTA_PROTO_DST_PORT, 'dport', destinationPort)]);
  const flags = CTA_FILTER_F_CTA_PROTO_NUM | CTA_FILTER_F_CTA_PROTO_DST_PORT;
  const filter = nested(CTA_FILTER, 'filter', [u32(CTA_FILTER_ORIG_FLAGS, 'orig_flags', flags), u32(CTA_FILTER_REPLY_FLAGS, 'reply_flags', 0)]);
  return [nested(CTA_TUPLE_ORIG, 'orig', [to]), filter];
}

/** Attributes that are sent back as they came. */
const rawNested = (type: number, name: string, encoded: Uint8Array): Attribute => raw(type | NLA_F_NESTED, name, encoded);
