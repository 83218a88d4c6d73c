/**
 * The packet filter of a bridge: one nf_tables table `ip NAME`, named as the bridge, and nothing outside it.
 *
 * - `guard` drops packets for or from 127.0.0.0/8 that do not come from the host itself. Publishing on localhost needs
 *   route_localnet on the bridge, which would open the host's loopback services to containers (CVE-2020-8558).
 * - `prerouting` and `output` rewrite packets for a published port to the container: two maps, one for ports published on
 *   every address of the host, one for those published on one address. Publishing a port is adding an element.
 * - `forward` lets containers out and answers in, and lets in from outside only what was published.
 * - `postrouting` hides the containers' addresses from the world, and the caller's from a container where the answer
 *   would otherwise not come back through the host: callers on the host's loopback, and callers on the same bridge.
 *
 * An administrator's own rules hold: `accept` here ends only this table's chain, and a drop in any other table at the
 * forward hook stands. At that point the destination is the container's address and port.
 */
import { ipv4Bytes } from '../kernel/netlink/attribute.ts';
import type { Message } from '../kernel/netlink/message.ts';
import {
  compare,
  connection,
  counter,
  ctState,
  ctStatus,
  destinationType,
  hostOrder,
  interfaceName,
  lookup,
  mask,
  masquerade,
  meta,
  nat,
  payload,
  register,
  verdict,
  type Expression,
} from '../kernel/netlink/nft-expression.ts';
import { addBaseChain, addElements, addMap, addRule, addTable, batch, deleteTable, type MapElement, type NftMap } from '../kernel/netlink/nftables.ts';
import { addressText, subnetText, type Subnet } from './subnet.ts';

/** Written into the table, so that a table of somebody else's that has the bridge's name is recognised and left alone. */
export const tableComment = 'hakobune';

/** Ports published on every address of the host, and ports published on one. */
export const portMaps = {
  anyAddress: { name: 'published', key: ['inet_proto', 'inet_service'], data: ['ipv4_addr', 'inet_service'] },
  oneAddress: { name: 'published_on_address', key: ['ipv4_addr', 'inet_proto', 'inet_service'], data: ['ipv4_addr', 'inet_service'] },
} as const satisfies Record<string, NftMap>;

/** Elements to put into the maps, by map. */
export interface PortElements {
  readonly anyAddress: readonly MapElement[];
  readonly oneAddress: readonly MapElement[];
}

const RTN_LOCAL = 2;
const loopbackIndex = 1; // of `lo`, in every network namespace
const ipSource = 12;
const ipDestination = 16;
const portDestination = 2;

/** The interface has, or has not, this name. */
export const named = (key: 'iifname' | 'oifname', operator: 'eq' | 'neq', name: string): Expression[] => [
  meta(key),
  compare(operator, interfaceName(name), JSON.stringify(name)),
];
const notFromHost: Expression[] = [meta('iif'), compare('neq', hostOrder(loopbackIndex), '"lo"')];
const loopback = (offset: number): Expression[] => [payload('network', offset, 1), compare('eq', Uint8Array.of(127), '127')];
const hasBits = (key: 'state' | 'status', bits: number): Expression[] => [
  connection(key),
  mask(hostOrder(bits), `0x${bits.toString(16)}`),
  compare('neq', hostOrder(0), '0'),
];

/** Where the source and the destination address are in an IPv4 header. */
const addressOffsets = { source: ipSource, destination: ipDestination } as const;

/** The address is in the subnet, or with `neq` is not. A prefix of whole bytes needs no mask; a prefix of none no condition. */
export function inSubnet(which: keyof typeof addressOffsets, subnet: Subnet, operator: 'eq' | 'neq' = 'eq'): Expression[] {
  if (subnet.prefix === 0 && operator === 'eq') return [];
  const bytes = ipv4Bytes(addressText(subnet.base));
  const offset = addressOffsets[which];
  if (subnet.prefix % 8 === 0)
    return [payload('network', offset, subnet.prefix / 8), compare(operator, bytes.subarray(0, subnet.prefix / 8), subnetText(subnet))];
  const bits = ipv4Bytes(addressText((2 ** 32 - 2 ** (32 - subnet.prefix)) >>> 0));
  return [payload('network', offset, 4), mask(bits), compare(operator, bytes, subnetText(subnet))];
}

/** Destination rewriting, the same for packets that arrive and packets that the host itself sends. */
export const publishedRules: readonly Expression[][] = [
  [
    payload('network', ipDestination, 4, register(0)),
    meta('l4proto', register(1)),
    payload('transport', portDestination, 2, register(2)),
    lookup(portMaps.oneAddress.name),
    nat('dnat'),
  ],
  [
    destinationType(),
    compare('eq', hostOrder(RTN_LOCAL), 'local'),
    meta('l4proto', register(0)),
    payload('transport', portDestination, 2, register(1)),
    lookup(portMaps.anyAddress.name),
    nat('dnat'),
  ],
];

/**
 * The batch that makes the bridge's table, with the ports that are published. A table that is there is replaced in the same
 * transaction: no packet meets a half-made one.
 */
export function tableRules(name: string, subnet: Subnet, ports: PortElements): Message[] {
  const rule = (chain: string, ...expressions: Expression[]): Message => addRule(name, chain, expressions);
  return batch([
    addTable(name, tableComment),
    deleteTable(name),
    addTable(name, tableComment),
    addMap(name, portMaps.anyAddress, 1),
    addMap(name, portMaps.oneAddress, 2),
    ...(ports.anyAddress.length ? [addElements(name, portMaps.anyAddress.name, ports.anyAddress)] : []),
    ...(ports.oneAddress.length ? [addElements(name, portMaps.oneAddress.name, ports.oneAddress)] : []),
    addBaseChain(name, 'guard', 'filter', 'prerouting', 'raw'),
    rule('guard', ...notFromHost, ...loopback(ipDestination), counter(), verdict('drop')),
    rule('guard', ...notFromHost, ...loopback(ipSource), counter(), verdict('drop')),
    addBaseChain(name, 'prerouting', 'nat', 'prerouting', 'dstnat'),
    ...publishedRules.map((expressions) => rule('prerouting', ...expressions)),
    addBaseChain(name, 'output', 'nat', 'output', 'dstnat'),
    ...publishedRules.map((expressions) => rule('output', ...expressions)),
    addBaseChain(name, 'forward', 'filter', 'forward', 'filter'),
    rule('forward', ...named('iifname', 'eq', name), verdict('accept')),
    rule('forward', ...named('oifname', 'eq', name), ...hasBits('state', ctState.established | ctState.related), verdict('accept')),
    rule('forward', ...named('oifname', 'eq', name), ...hasBits('status', ctStatus.dnat), verdict('accept')),
    rule('forward', ...named('oifname', 'eq', name), counter(), verdict('drop')),
    addBaseChain(name, 'postrouting', 'nat', 'postrouting', 'srcnat'),
    rule('postrouting', ...named('oifname', 'neq', name), ...inSubnet('source', subnet), masquerade()),
    rule('postrouting', ...named('oifname', 'eq', name), ...loopback(ipSource), masquerade()),
    rule('postrouting', ...named('oifname', 'eq', name), ...inSubnet('source', subnet), ...hasBits('status', ctStatus.dnat), masquerade()),
  ]);
}

/** The same for nft(8), as a person would type it. */
export function tableScript(name: string, subnet: Subnet, ports: PortElements): string {
  const elements = (list: readonly MapElement[]): string => (list.length ? ` elements = { ${list.map((e) => e.text).join(', ')} };` : '');
  const published = [
    `dnat ip to ip daddr . meta l4proto . th dport map @${portMaps.oneAddress.name}`,
    `fib daddr type local dnat ip to meta l4proto . th dport map @${portMaps.anyAddress.name}`,
  ];
  const chain = (chainName: string, head: string, ...rules: string[]): string =>
    [`  chain ${chainName} {`, `    type ${head}; policy accept;`, ...rules.map((r) => `    ${r}`), '  }'].join('\n');
  const mapLine = (map: NftMap, list: readonly MapElement[]): string =>
    `  map ${map.name} { type ${map.key.join(' . ')} : ${map.data.join(' . ')};${elements(list)} }`;
  return [
    `table ip ${name} { comment "${tableComment}"; }`,
    `delete table ip ${name}`,
    `table ip ${name} {`,
    `  comment "${tableComment}"`,
    mapLine(portMaps.anyAddress, ports.anyAddress),
    mapLine(portMaps.oneAddress, ports.oneAddress),
    chain('guard', 'filter hook prerouting priority raw', 'iif != "lo" ip daddr 127.0.0.0/8 counter drop', 'iif != "lo" ip saddr 127.0.0.0/8 counter drop'),
    chain('prerouting', 'nat hook prerouting priority dstnat', ...published),
    chain('output', 'nat hook output priority -100', ...published),
    chain(
      'forward',
      'filter hook forward priority filter',
      `iifname "${name}" accept`,
      `oifname "${name}" ct state established,related accept`,
      `oifname "${name}" ct status dnat accept`,
      `oifname "${name}" counter drop`,
    ),
    chain(
      'postrouting',
      'nat hook postrouting priority srcnat',
      `oifname != "${name}" ip saddr ${subnetText(subnet)} masquerade`,
      `oifname "${name}" ip saddr 127.0.0.0/8 masquerade`,
      `oifname "${name}" ip saddr ${subnetText(subnet)} ct status dnat masquerade`,
    ),
    '}',
  ].join('\n');
}
