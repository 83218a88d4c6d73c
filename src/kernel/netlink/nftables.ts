/**
 * nf_tables requests: tables, chains, rules, maps and their elements, what `nft` speaks. Changes go in a batch, which the
 * kernel takes whole or not at all. See include/uapi/linux/netfilter/nf_tables.h and nfnetlink.h.
 */
import { Attributes, decodeList, list, nested, raw, string, u32be, u64be, type Attribute } from './attribute.ts';
import {
  NFTA_CHAIN_HOOK,
  NFTA_CHAIN_NAME,
  NFTA_CHAIN_POLICY,
  NFTA_CHAIN_TABLE,
  NFTA_CHAIN_TYPE,
  NFTA_DATA_VALUE,
  NFTA_HOOK_HOOKNUM,
  NFTA_HOOK_PRIORITY,
  NFTA_RULE_CHAIN,
  NFTA_RULE_EXPRESSIONS,
  NFTA_RULE_HANDLE,
  NFTA_RULE_TABLE,
  NFTA_RULE_USERDATA,
  NFTA_SET_DATA_LEN,
  NFTA_SET_DATA_TYPE,
  NFTA_SET_ELEM_DATA,
  NFTA_SET_ELEM_KEY,
  NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_SET_ELEM_LIST_SET,
  NFTA_SET_ELEM_LIST_TABLE,
  NFTA_SET_FLAGS,
  NFTA_SET_ID,
  NFTA_SET_KEY_LEN,
  NFTA_SET_KEY_TYPE,
  NFTA_SET_NAME,
  NFTA_SET_TABLE,
  NFTA_TABLE_FLAGS,
  NFTA_TABLE_NAME,
  NFTA_TABLE_USERDATA,
  NFT_SET_MAP,
  NFT_TABLE_F_OWNER,
} from './nft-attributes.ts';
import { describeExpression, NFTA_LIST_ELEM, type Expression } from './nft-expression.ts';
import { messageFlags, type Message, type Reply } from './message.ts';

const NFNL_SUBSYS_NFTABLES = 10;
const types = {
  NFT_MSG_NEWTABLE: 0,
  NFT_MSG_GETTABLE: 1,
  NFT_MSG_DELTABLE: 2,
  NFT_MSG_NEWCHAIN: 3,
  NFT_MSG_GETCHAIN: 4,
  NFT_MSG_NEWRULE: 6,
  NFT_MSG_GETRULE: 7,
  NFT_MSG_DELRULE: 8,
  NFT_MSG_NEWSET: 9,
  NFT_MSG_GETSET: 10,
  NFT_MSG_NEWSETELEM: 12,
  NFT_MSG_GETSETELEM: 13,
  NFT_MSG_DELSETELEM: 14,
} as const;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;

/** Where in a packet's way a base chain stands. */
export const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
/** The names that nft(8) has for priorities of the ip family. */
export const priorities = { raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 } as const;
/** What becomes of a packet that no rule of a base chain decides on. */
export const policies = { drop: 0, accept: 1 } as const;

/** What a map's key or data consists of, as nft(8) calls it; the numbers are nft's own, kept so that it can print the map. */
const dataTypes = { ipv4_addr: { id: 7, size: 4 }, inet_proto: { id: 12, size: 1 }, inet_service: { id: 13, size: 2 } } as const;
export type DataType = keyof typeof dataTypes;

/** A map from one concatenation of values to another: `inet_proto . inet_service : ipv4_addr . inet_service`. */
export interface NftMap {
  readonly name: string;
  readonly key: readonly DataType[];
  readonly data: readonly DataType[];
}

/** One element of a map: the bytes of each component, and how they read. */
export interface MapElement {
  readonly key: readonly Uint8Array[];
  readonly data: readonly Uint8Array[];
  /** `tcp . 8080 : 172.17.0.2 . 80` */
  readonly text: string;
}

/** The families that tables belong to (NFPROTO_…); `any` only asks for all. */
export const families = { any: 0, inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 } as const;
export type TableFamily = keyof typeof families;

const familyNames = new Map<number, TableFamily>(Object.entries(families).map(([name, number]) => [number, name as TableFamily]));

/** The family that the body of an answer is of. */
export const familyOf = (body: Uint8Array): TableFamily => familyNames.get(body[0] ?? 0) ?? 'any';

/** One request to nf_tables. */
export function request(name: keyof typeof types, flags: number, attributes: readonly Attribute[], family: TableFamily = 'ip'): Message {
  return { name, type: (NFNL_SUBSYS_NFTABLES << 8) | types[name], flags, header: nfgenmsg(families[family], 0), headerText: family, attributes };
}

/** struct nfgenmsg */
const nfgenmsg = (family: number, resource: number): Uint8Array => Uint8Array.of(family, 0, resource >> 8, resource & 0xff);

const mark = (name: string, type: number): Message => ({ name, type, flags: 0, header: nfgenmsg(0, NFNL_SUBSYS_NFTABLES), headerText: '', attributes: [] });

/** Puts changes into one transaction. */
export function batch(changes: readonly Message[]): Message[] {
  return [mark('NFNL_MSG_BATCH_BEGIN', NFNL_MSG_BATCH_BEGIN), ...changes, mark('NFNL_MSG_BATCH_END', NFNL_MSG_BATCH_END)];
}

/**
 * Makes a table, if it is not there. The comment is what nft(8) lists, and how {@link tableComment} knows the table's owner.
 * @param owned it belongs to the socket, and goes with it (since Linux 5.12): one that is there already is an error (EEXIST)
 */
export function addTable(table: string, comment?: string, owned = false): Message {
  const userdata = comment === undefined ? [] : [raw(NFTA_TABLE_USERDATA, 'comment', commentData(comment), JSON.stringify(comment))];
  return request('NFT_MSG_NEWTABLE', messageFlags.NLM_F_CREATE | (owned ? messageFlags.NLM_F_EXCL : 0), [
    string(NFTA_TABLE_NAME, 'name', table),
    ...(owned ? [u32be(NFTA_TABLE_FLAGS, 'flags', NFT_TABLE_F_OWNER, 'owner')] : []),
    ...userdata,
  ]);
}

/** Deletes a table with all that is in it. */
export function deleteTable(table: string): Message {
  return request('NFT_MSG_DELTABLE', 0, [string(NFTA_TABLE_NAME, 'name', table)]);
}

/** Deletes one rule of a chain by the number that the kernel gave it. */
export function deleteRule(table: string, chain: string, handle: bigint): Message {
  return request('NFT_MSG_DELRULE', 0, [
    string(NFTA_RULE_TABLE, 'table', table),
    string(NFTA_RULE_CHAIN, 'chain', chain),
    u64be(NFTA_RULE_HANDLE, 'handle', handle),
  ]);
}

/** Makes a base chain: one that the kernel enters at a hook. */
export function addBaseChain(
  table: string,
  name: string,
  type: 'filter' | 'nat',
  hook: keyof typeof hooks,
  priority: keyof typeof priorities | number,
): Message {
  return request('NFT_MSG_NEWCHAIN', messageFlags.NLM_F_CREATE, [
    string(NFTA_CHAIN_TABLE, 'table', table),
    string(NFTA_CHAIN_NAME, 'name', name),
    nested(NFTA_CHAIN_HOOK, 'hook', [
      u32be(NFTA_HOOK_HOOKNUM, 'hooknum', hooks[hook], hook),
      u32be(NFTA_HOOK_PRIORITY, 'priority', typeof priority === 'number' ? priority : priorities[priority]),
    ]),
    u32be(NFTA_CHAIN_POLICY, 'policy', policies.accept, 'accept'),
    string(NFTA_CHAIN_TYPE, 'type', type),
  ]);
}

/** Appends a rule to a chain. */
export function addRule(table: string, chain: string, expressions: readonly Expression[], comment?: string): Message {
  const inside = expressions.map((e) => nested(NFTA_LIST_ELEM, '', e));
  const userdata = comment === undefined ? [] : [raw(NFTA_RULE_USERDATA, 'comment', commentData(comment), JSON.stringify(comment))];
  return request('NFT_MSG_NEWRULE', messageFlags.NLM_F_CREATE | messageFlags.NLM_F_APPEND, [
    string(NFTA_RULE_TABLE, 'table', table),
    string(NFTA_RULE_CHAIN, 'chain', chain),
    nested(NFTA_RULE_EXPRESSIONS, 'expressions', inside, `[${expressions.map(describeExpression).join(', ')}]`),
    ...userdata,
  ]);
}

/**
 * Makes a map.
 * @param id distinguishes the maps that one batch makes
 */
export function addMap(table: string, map: NftMap, id: number): Message {
  return request('NFT_MSG_NEWSET', messageFlags.NLM_F_CREATE, [
    string(NFTA_SET_TABLE, 'table', table),
    string(NFTA_SET_NAME, 'name', map.name),
    u32be(NFTA_SET_FLAGS, 'flags', NFT_SET_MAP, 'NFT_SET_MAP'),
    u32be(NFTA_SET_KEY_TYPE, 'key_type', concatenatedType(map.key), map.key.join(' . ')),
    u32be(NFTA_SET_KEY_LEN, 'key_len', 4 * map.key.length),
    u32be(NFTA_SET_DATA_TYPE, 'data_type', concatenatedType(map.data), map.data.join(' . ')),
    u32be(NFTA_SET_DATA_LEN, 'data_len', 4 * map.data.length),
    u32be(NFTA_SET_ID, 'id', id),
  ]);
}

/** Adds elements to a map; with `exclusive`, one that is there already is an error (EEXIST), else only one with other data. */
export function addElements(table: string, map: string, elements: readonly MapElement[], exclusive = false): Message {
  return request('NFT_MSG_NEWSETELEM', messageFlags.NLM_F_CREATE | (exclusive ? messageFlags.NLM_F_EXCL : 0), elementList(table, map, elements, true));
}

/** Deletes elements of a map by their keys. */
export function deleteElements(table: string, map: string, elements: readonly MapElement[]): Message {
  return request('NFT_MSG_DELSETELEM', 0, elementList(table, map, elements, false));
}

/** The request for one table; {@link tableComment} reads the answer. ENOENT where there is none. */
export function getTable(table: string): Message {
  return request('NFT_MSG_GETTABLE', 0, [string(NFTA_TABLE_NAME, 'name', table)]);
}

/** The comment of the table that an answer to {@link getTable} describes. */
export function tableComment(replies: readonly Reply[]): string | undefined {
  const userdata = replies[0] && new Attributes(replies[0].body.subarray(4)).bytes(NFTA_TABLE_USERDATA);
  return userdata && commentOf(userdata);
}

/** NFTNL_UDATA_TABLE_COMMENT and NFTNL_UDATA_RULE_COMMENT. */
const UDATA_COMMENT = 0;

/** The comment in the user data of a table or a rule, as nft(8) puts it there: a row of items, each with its type and its length. */
export function commentOf(userdata: Uint8Array): string | undefined {
  for (let at = 0; at + 2 <= userdata.length; at += 2 + userdata[at + 1]!) {
    if (userdata[at] !== UDATA_COMMENT) continue;
    return Buffer.from(userdata.subarray(at + 2, at + 2 + userdata[at + 1]!))
      .toString('utf8')
      .replace(/\0[^]*$/, '');
  }
  return undefined;
}

/** The request for all elements of a map, for `NetlinkSocket.dump`; {@link elementsOf} reads the answer. */
export function getElements(table: string, map: string): Message {
  return request('NFT_MSG_GETSETELEM', 0, [string(NFTA_SET_ELEM_LIST_TABLE, 'table', table), string(NFTA_SET_ELEM_LIST_SET, 'set', map)]);
}

/** Keys and data of a map's elements, components padded to four bytes as the kernel keeps them. */
export function elementsOf(replies: readonly Reply[]): { readonly key: Uint8Array; readonly data: Uint8Array }[] {
  return replies.flatMap(({ body }) =>
    decodeList(new Attributes(body.subarray(4)).bytes(NFTA_SET_ELEM_LIST_ELEMENTS) ?? new Uint8Array()).map((element) => ({
      key: element.nested(NFTA_SET_ELEM_KEY)?.bytes(NFTA_DATA_VALUE) ?? new Uint8Array(),
      data: element.nested(NFTA_SET_ELEM_DATA)?.bytes(NFTA_DATA_VALUE) ?? new Uint8Array(),
    })),
  );
}

/** The port number as two bytes in network byte order, as maps and packets have it. */
export const portBytes = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 0xff);

function elementList(table: string, map: string, elements: readonly MapElement[], withData: boolean): Attribute[] {
  const encoded = elements.map((e) => [
    nested(NFTA_SET_ELEM_KEY, 'key', [raw(NFTA_DATA_VALUE, 'value', concatenate(e.key))]),
    ...(withData ? [nested(NFTA_SET_ELEM_DATA, 'data', [raw(NFTA_DATA_VALUE, 'value', concatenate(e.data))])] : []),
  ]);
  return [
    string(NFTA_SET_ELEM_LIST_TABLE, 'table', table),
    string(NFTA_SET_ELEM_LIST_SET, 'set', map),
    { ...list(NFTA_SET_ELEM_LIST_ELEMENTS, 'elements', NFTA_LIST_ELEM, encoded), text: `{${elements.map((e) => e.text).join(', ')}}` },
  ];
}

/** nft(8) packs the types of a concatenation into one number, six bits each. */
const concatenatedType = (components: readonly DataType[]): number => components.reduce((sum, c) => (sum << 6) | dataTypes[c].id, 0);

/** A key or data of several components: each is padded to a register's four bytes. */
export function concatenate(components: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(4 * components.length);
  components.forEach((c, i) => out.set(c, 4 * i));
  return out;
}

/** A comment in the form that nft(8) reads: type 0, length, NUL-terminated text. */
function commentData(comment: string): Uint8Array {
  const text = Buffer.from(`${comment}\0`);
  return Buffer.concat([Uint8Array.of(UDATA_COMMENT, text.length), text]);
}
