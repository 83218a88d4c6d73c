/**
 * Traces of packets through nf_tables, as `nft monitor trace` shows them: for a packet that a rule has marked (`meta nftrace set 1`)
 * the kernel reports every rule that decides, and the policy at the end of each base chain. See include/uapi/linux/netfilter/nf_tables.h.
 */
import { call, Struct, type Call, type Result } from '../call.ts';
import { addressFamilies } from '../flags.ts';
import { Attributes } from './attribute.ts';
import { decodeMessages } from './message.ts';
import { decodeVerdict } from './nft-decode.ts';
import { familyOf, type TableFamily } from './nftables.ts';

const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NFNLGRP_NFTRACE = 9;
const NFT_MSG_TRACE = (10 << 8) | 17;
const kinds = ['unspec', 'policy', 'return', 'rule'] as const;

/** One thing that was decided on a packet. */
export interface TraceEvent {
  /** The same for all events of one packet. */
  readonly id: number;
  readonly family: TableFamily;
  readonly table: string;
  readonly chain: string;
  readonly kind: (typeof kinds)[number];
  /** Of a rule. */
  readonly handle: bigint | undefined;
  /** `accept`, `drop`, `continue`, `jump`, …; of a policy, the policy. */
  readonly verdict: string;
}

/**
 * The calls that have a socket of NETLINK_NETFILTER receive traces. It is bound first, which gives it a number: to the number 0,
 * which one without has, the kernel's own messages are never delivered, since it is their sender's. See netlink(7).
 */
export const joinTraces = (socket: Result): Call[] => [
  call('bind', [socket, new Struct('{AF_NETLINK, any number}', Uint8Array.of(addressFamilies.AF_NETLINK, ...new Uint8Array(11))), 12]),
  call('setsockopt', [socket, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, new Uint8Array(Uint32Array.of(NFNLGRP_NFTRACE).buffer), 4]),
];

/** The events in a received buffer. */
export function decodeTraces(buffer: Uint8Array): TraceEvent[] {
  return [...decodeMessages(buffer)].flatMap(({ type, body }) => {
    if (type !== NFT_MSG_TRACE) return [];
    const a = new Attributes(body.subarray(4));
    const kind = kinds[a.i32be(4) ?? 0] ?? 'unspec';
    const verdict = a.nested(5);
    const policy = a.i32be(16) === 0 ? 'drop' : 'accept';
    return [
      {
        id: a.i32be(6) ?? 0,
        family: familyOf(body),
        table: a.string(1) ?? '',
        chain: a.string(2) ?? '',
        kind,
        handle: a.u64be(3),
        verdict: kind === 'policy' ? policy : verdict ? decodeVerdict(verdict).code : 'continue',
      },
    ];
  });
}
