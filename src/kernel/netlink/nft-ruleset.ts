/**
 * The whole packet filter of a network namespace, read by dumps: base chains at their hooks, rules with their expressions decoded,
 * sets and maps with their elements. What `nft list ruleset` shows. See include/uapi/linux/netfilter/nf_tables.h.
 */
import { Attributes, decodeList, string } from './attribute.ts';
import type { Reply } from './message.ts';
import {
  NFTA_CHAIN_HOOK,
  NFTA_CHAIN_NAME,
  NFTA_CHAIN_POLICY,
  NFTA_CHAIN_TABLE,
  NFTA_CHAIN_TYPE,
  NFTA_DATA_VALUE,
  NFTA_DATA_VERDICT,
  NFTA_HOOK_HOOKNUM,
  NFTA_HOOK_PRIORITY,
  NFTA_RULE_CHAIN,
  NFTA_RULE_EXPRESSIONS,
  NFTA_RULE_HANDLE,
  NFTA_RULE_TABLE,
  NFTA_RULE_USERDATA,
  NFTA_SET_DESC,
  NFTA_SET_DESC_CONCAT,
  NFTA_SET_ELEM_DATA,
  NFTA_SET_ELEM_FLAGS,
  NFTA_SET_ELEM_KEY,
  NFTA_SET_ELEM_KEY_END,
  NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_SET_ELEM_LIST_SET,
  NFTA_SET_ELEM_LIST_TABLE,
  NFTA_SET_FIELD_LEN,
  NFTA_SET_FLAGS,
  NFTA_SET_NAME,
  NFTA_SET_TABLE,
  NFTA_TABLE_FLAGS,
  NFTA_TABLE_NAME,
  NFTA_TABLE_USERDATA,
  NFT_SET_ANONYMOUS,
  NFT_SET_ELEM_CATCHALL,
  NFT_SET_ELEM_INTERVAL_END,
  NFT_SET_INTERVAL,
  NFT_TABLE_F_DORMANT,
} from './nft-attributes.ts';
import { decodeExpression, decodeVerdict, type Decoded, type Verdict } from './nft-decode.ts';
import { commentOf, familyOf, hooks, policies, request, type TableFamily } from './nftables.ts';
import type { NetlinkSocket } from './socket.ts';

export interface Rule {
  readonly handle: bigint;
  readonly expressions: readonly Decoded[];
  readonly comment: string | undefined;
}

/** The name of a hook, which depends on the family: arp has two, netdev others. */
export type HookName = keyof typeof hooks | 'ingress' | 'egress' | 'unknown';

export interface Chain {
  readonly family: TableFamily;
  readonly table: string;
  readonly name: string;
  /** Of a base chain: where the kernel enters it. */
  readonly hook?: { readonly name: HookName; readonly priority: number; readonly type: string; readonly policy: 'accept' | 'drop' };
  readonly rules: readonly Rule[];
}

export interface SetElement {
  readonly key: Uint8Array;
  /** The end of a key that is a range, included. */
  readonly keyEnd: Uint8Array | undefined;
  readonly data: Uint8Array | undefined;
  readonly verdict: Verdict | undefined;
  /** In a set of intervals: where one ends, itself not included. */
  readonly intervalEnd: boolean;
  /** It stands for all that no other element is for; its key is empty. */
  readonly catchAll: boolean;
}

export interface NftSet {
  readonly family: TableFamily;
  readonly table: string;
  readonly name: string;
  readonly interval: boolean;
  /** Of a concatenation: the bytes of each component, which are padded to whole words. */
  readonly fields: readonly number[];
  /** Its name is the kernel's own, `__set0`: written into a rule as `{ 80, 443 }`. */
  readonly anonymous: boolean;
  readonly elements: readonly SetElement[];
}

export interface Table {
  readonly family: TableFamily;
  readonly name: string;
  readonly comment: string | undefined;
  /** It is switched off: no packet meets its chains. */
  readonly dormant: boolean;
}

export interface Ruleset {
  readonly tables: readonly Table[];
  readonly chains: readonly Chain[];
  readonly sets: readonly NftSet[];
}

/** By the number of a hook; NF_INET_INGRESS comes after the five that a packet of IP passes. */
const ipHooks: readonly HookName[] = [...(Object.keys(hooks) as (keyof typeof hooks)[]), 'ingress'];
const hookNames: Readonly<Partial<Record<TableFamily, readonly HookName[]>>> = { arp: ['input', 'output', 'forward'], netdev: ['ingress', 'egress'] };
const hookName = (family: TableFamily, number: number): HookName => (hookNames[family] ?? ipHooks)[number] ?? 'unknown';

const attributesOf = (reply: Reply): Attributes => new Attributes(reply.body.subarray(4));

/**
 * Reads everything.
 * @param socket of NETLINK_NETFILTER
 * @throws KernelError where the kernel refuses: without CAP_NET_ADMIN, or without nf_tables
 */
export function readRuleset(socket: NetlinkSocket): Ruleset {
  const rules = new Map<string, Rule[]>();
  for (const reply of socket.dump(request('NFT_MSG_GETRULE', 0, [], 'any'))) {
    const a = attributesOf(reply);
    const key = chainKey(familyOf(reply.body), a.string(NFTA_RULE_TABLE), a.string(NFTA_RULE_CHAIN));
    const userdata = a.bytes(NFTA_RULE_USERDATA);
    const rule = {
      handle: a.u64be(NFTA_RULE_HANDLE) ?? 0n,
      expressions: decodeList(a.bytes(NFTA_RULE_EXPRESSIONS) ?? new Uint8Array()).map(decodeExpression),
      comment: userdata && commentOf(userdata),
    };
    const known = rules.get(key);
    if (known) known.push(rule);
    else rules.set(key, [rule]);
  }
  return {
    tables: socket.dump(request('NFT_MSG_GETTABLE', 0, [], 'any')).map(decodeTable),
    chains: socket.dump(request('NFT_MSG_GETCHAIN', 0, [], 'any')).map((reply) => decodeChain(reply, rules)),
    sets: socket.dump(request('NFT_MSG_GETSET', 0, [], 'any')).map((reply) => readSet(socket, reply)),
  };
}

const chainKey = (family: TableFamily, table = '', chain = ''): string => JSON.stringify([family, table, chain]);

function decodeTable(reply: Reply): Table {
  const a = attributesOf(reply);
  const userdata = a.bytes(NFTA_TABLE_USERDATA);
  return {
    family: familyOf(reply.body),
    name: a.string(NFTA_TABLE_NAME) ?? '',
    comment: userdata && commentOf(userdata),
    dormant: ((a.i32be(NFTA_TABLE_FLAGS) ?? 0) & NFT_TABLE_F_DORMANT) !== 0,
  };
}

function decodeChain(reply: Reply, rules: ReadonlyMap<string, Rule[]>): Chain {
  const a = attributesOf(reply);
  const [family, table, name] = [familyOf(reply.body), a.string(NFTA_CHAIN_TABLE) ?? '', a.string(NFTA_CHAIN_NAME) ?? ''];
  const hook = a.nested(NFTA_CHAIN_HOOK);
  return {
    family,
    table,
    name,
    ...(hook
      ? {
          hook: {
            name: hookName(family, hook.i32be(NFTA_HOOK_HOOKNUM) ?? -1),
            priority: hook.i32be(NFTA_HOOK_PRIORITY) ?? 0,
            type: a.string(NFTA_CHAIN_TYPE) ?? 'filter',
            policy: a.i32be(NFTA_CHAIN_POLICY) === policies.drop ? ('drop' as const) : ('accept' as const),
          },
        }
      : {}),
    rules: rules.get(chainKey(family, table, name)) ?? [],
  };
}

function readSet(socket: NetlinkSocket, reply: Reply): NftSet {
  const a = attributesOf(reply);
  const [family, table, name, flags] = [familyOf(reply.body), a.string(NFTA_SET_TABLE) ?? '', a.string(NFTA_SET_NAME) ?? '', a.i32be(NFTA_SET_FLAGS) ?? 0];
  const named = [string(NFTA_SET_ELEM_LIST_TABLE, 'table', table), string(NFTA_SET_ELEM_LIST_SET, 'set', name)];
  const elements = socket
    .dump(request('NFT_MSG_GETSETELEM', 0, named, family))
    .flatMap((part) => decodeList(attributesOf(part).bytes(NFTA_SET_ELEM_LIST_ELEMENTS) ?? new Uint8Array()).map(decodeElement));
  return {
    family,
    table,
    name,
    interval: (flags & NFT_SET_INTERVAL) !== 0,
    anonymous: (flags & NFT_SET_ANONYMOUS) !== 0,
    fields: decodeList(a.nested(NFTA_SET_DESC)?.bytes(NFTA_SET_DESC_CONCAT) ?? new Uint8Array()).map((field) => field.i32be(NFTA_SET_FIELD_LEN) ?? 0),
    elements,
  };
}

function decodeElement(e: Attributes): SetElement {
  const data = e.nested(NFTA_SET_ELEM_DATA);
  const verdict = data?.nested(NFTA_DATA_VERDICT);
  const flags = e.i32be(NFTA_SET_ELEM_FLAGS) ?? 0;
  return {
    key: e.nested(NFTA_SET_ELEM_KEY)?.bytes(NFTA_DATA_VALUE) ?? new Uint8Array(),
    keyEnd: e.nested(NFTA_SET_ELEM_KEY_END)?.bytes(NFTA_DATA_VALUE),
    data: data?.bytes(NFTA_DATA_VALUE),
    verdict: verdict && decodeVerdict(verdict),
    intervalEnd: (flags & NFT_SET_ELEM_INTERVAL_END) !== 0,
    catchAll: (flags & NFT_SET_ELEM_CATCHALL) !== 0,
  };
}
