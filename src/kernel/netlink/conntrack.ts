/**
 * Connection tracking: the flows whose addresses the kernel rewrites, each by the decision made for its first packet.
 * See include/uapi/linux/netfilter/nfnetlink_conntrack.h.
 */
import { Attributes, nested, raw, u16be, u32, u8, type Attribute } from './attribute.ts';
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
const CTA_PROTO_NUM = 1;
const CTA_PROTO_DST_PORT = 3;
const IPPROTO_UDP = 17;

const request = (name: keyof typeof types, attributes: readonly Attribute[]): Message => ({
  name,
  type: (NFNL_SUBSYS_CTNETLINK << 8) | types[name],
  flags: 0,
  header: Uint8Array.of(AF_INET, 0, 0, 0),
  headerText: '',
  attributes,
});

/**
 * The flows of UDP to a port, as requests that make the kernel forget them. ENOENT where one has ended by itself.
 * @param socket of NETLINK_NETFILTER
 * @throws KernelError when the kernel refuses to list them
 */
export function forgetUdpFlows(socket: NetlinkSocket, port: number): Message[] {
  const to = nested(CTA_TUPLE_PROTO, 'proto', [u8(CTA_PROTO_NUM, 'num', IPPROTO_UDP), u16be(CTA_PROTO_DST_PORT, 'dport', port)]);
  const flags = CTA_FILTER_F_CTA_PROTO_NUM | CTA_FILTER_F_CTA_PROTO_DST_PORT;
  const filter = nested(CTA_FILTER, 'filter', [u32(CTA_FILTER_ORIG_FLAGS, 'orig_flags', flags), u32(CTA_FILTER_REPLY_FLAGS, 'reply_flags', 0)]);
  const replies = socket.dump(request('IPCTNL_MSG_CT_GET', [nested(CTA_TUPLE_ORIG, 'orig', [to]), filter]));
  return replies.flatMap(({ body }) => {
    const original = new Attributes(body.subarray(4)).nested(CTA_TUPLE_ORIG);
    const address = original?.bytes(CTA_TUPLE_IP);
    const proto = original?.bytes(CTA_TUPLE_PROTO);
    const found = proto && new Attributes(proto);
    // Kernels before 5.8 know no filter and list all.
    if (!address || !proto || found?.bytes(CTA_PROTO_NUM)?.[0] !== IPPROTO_UDP || found.u16be(CTA_PROTO_DST_PORT) !== port) return [];
    const tuple = [rawNested(CTA_TUPLE_IP, 'ip', address), rawNested(CTA_TUPLE_PROTO, 'proto', proto)];
    return [request('IPCTNL_MSG_CT_DELETE', [nested(CTA_TUPLE_ORIG, 'orig', tuple)])];
  });
}

const NLA_F_NESTED = 0x8000;

/** Attributes that are sent back as they came. */
const rawNested = (type: number, name: string, encoded: Uint8Array): Attribute => raw(type | NLA_F_NESTED, name, encoded);
