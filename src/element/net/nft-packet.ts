/** A packet of IPv4 at a hook of the packet filter, and what rules can load of it into their registers. */
import { ipv4Bytes } from '../../kernel/netlink/attribute.ts';
import { metaKeys } from '../../kernel/netlink/nft-decode.ts';
import { hostOrder, interfaceName } from '../../kernel/netlink/nft-expression.ts';

/** What rules can look at. */
export interface Packet {
  readonly source: string;
  readonly destination: string;
  /** IPPROTO_TCP, … */
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly incoming?: { readonly index: number; readonly name: string } | undefined;
  readonly outgoing?: { readonly index: number; readonly name: string } | undefined;
  /** What `meta mark set` gave it; routing rules may look at it, too. */
  readonly mark: number;
  /** Bits of `ct state` and `ct status`. */
  readonly state: number;
  readonly status: number;
}

/** What a rule asks for cannot be known from outside; the message ends the sentence that begins with the rule. */
export class Undecided extends Error {}

const NFPROTO_IPV4 = 2;

/** What `meta` loads. @throws Undecided */
export function metaOf(p: Packet, key: number): Uint8Array {
  switch (key) {
    case metaKeys.iif:
      return hostOrder(p.incoming?.index ?? 0);
    case metaKeys.oif:
      return hostOrder(p.outgoing?.index ?? 0);
    case metaKeys.iifname:
      return interfaceName(p.incoming?.name ?? '');
    case metaKeys.oifname:
      return interfaceName(p.outgoing?.name ?? '');
    case metaKeys.l4proto:
      return Uint8Array.of(p.protocol);
    case metaKeys.nfproto:
      return Uint8Array.of(NFPROTO_IPV4);
    case metaKeys.mark:
      return hostOrder(p.mark);
    default:
      throw new Undecided(`looks at a property of the packet (meta key ${key}) that is not known from outside`);
  }
}

const IPPROTO_ICMP = 1;
const IPPROTO_TCP = 6;
const ECHO_REQUEST = 8;
const SYN = 2;
/** Where a TCP header has its flags. */
const tcpFlagsAt = 13;
/** Bytes of the IPv4 header that whoever sends chooses: service, length, identification, fragmentation, checksum. */
const chosen = [1, 2, 3, 4, 5, 6, 7, 10, 11];

/** What `payload` loads: bytes of a header. @throws Undecided for those that whoever sends chooses */
export function payloadOf(p: Packet, base: string, offset: number, length: number): Uint8Array {
  const header = new Uint8Array(24);
  if (base === 'network') {
    header.set([0x45], 0);
    header.set([64, p.protocol], 8);
    header.set(ipv4Bytes(p.source), 12);
    header.set(ipv4Bytes(p.destination), 16);
    if (offset + length <= 20 && !chosen.some((b) => b >= offset && b < offset + length)) return header.subarray(offset, offset + length);
  } else if (base === 'transport') {
    if (p.protocol === IPPROTO_ICMP) header.set([ECHO_REQUEST, 0], 0);
    else header.set([p.sourcePort >> 8, p.sourcePort & 255, p.destinationPort >> 8, p.destinationPort & 255], 0);
    if (offset + length <= (p.protocol === IPPROTO_ICMP ? 2 : 4)) return header.subarray(offset, offset + length);
    if (p.protocol === IPPROTO_TCP && offset === tcpFlagsAt && length === 1) return Uint8Array.of(SYN);
  }
  throw new Undecided(`looks at bytes of the packet (${base} header, ${length} from ${offset}) that its sender chooses`);
}
