/**
 * The text of an nf_tables rule, as nft(8) would list it. The kernel knows only registers and bytes: what a register was loaded
 * with says how the bytes that it is compared with are to be read.
 */
import { ipText } from './attribute.ts';
import { ctKeys, fib, metaKeys, type Decoded, type Verdict } from './nft-decode.ts';
import type { Chain, NftSet, Rule, Ruleset } from './nft-ruleset.ts';

/** How a value is to be read. */
type Kind = 'name' | 'address' | 'port' | 'protocol' | 'index' | 'state' | 'status' | 'addrtype' | 'number' | 'mark' | 'family';
interface Loaded {
  readonly text: string;
  readonly kind: Kind;
  /** Bytes. */
  readonly size: number;
  /** Of an address that was masked: the length of the prefix that is left. */
  readonly prefix?: number;
}

const metaNames: Readonly<Record<number, Loaded>> = {
  [metaKeys.mark]: { text: 'meta mark', kind: 'mark', size: 4 },
  [metaKeys.iif]: { text: 'iif', kind: 'index', size: 4 },
  [metaKeys.oif]: { text: 'oif', kind: 'index', size: 4 },
  [metaKeys.iifname]: { text: 'iifname', kind: 'name', size: 16 },
  [metaKeys.oifname]: { text: 'oifname', kind: 'name', size: 16 },
  [metaKeys.nfproto]: { text: 'meta nfproto', kind: 'family', size: 1 },
  [metaKeys.l4proto]: { text: 'meta l4proto', kind: 'protocol', size: 1 },
};
const protocols: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'ipv6-icmp' };
const states: Readonly<Record<number, string>> = { 1: 'invalid', 2: 'established', 4: 'related', 8: 'new', 64: 'untracked' };
const statuses: Readonly<Record<number, string>> = { 1: 'expected', 2: 'seen-reply', 4: 'assured', 8: 'confirmed', 16: 'snat', 32: 'dnat' };
const addressTypes: Readonly<Record<number, string>> = { 1: 'unicast', 2: 'local', 3: 'broadcast', 5: 'multicast' };

/** `jump NAME`, `drop`. */
const verdictText = (v: Verdict): string => (v.chain === undefined ? v.code : `${v.code} ${v.chain}`);

/** `ip filter FORWARD`. */
export const chainText = (c: Chain): string => `${c.family} ${c.table} ${c.name}`;

/** `iifname "eth0" tcp dport 80 drop`: a rule without what its counter has counted. */
export const ruleText = (ruleset: Pick<Ruleset, 'sets'>, chain: Pick<Chain, 'family' | 'table'>, rule: Rule): string =>
  countedRuleText(ruleset, chain, { ...rule, expressions: rule.expressions.filter(({ kind }) => kind !== 'counter') });

/** `iifname "eth0" tcp dport 80 counter packets 1 bytes 60 drop`. */
export function countedRuleText(ruleset: Pick<Ruleset, 'sets'>, chain: Pick<Chain, 'family' | 'table'>, rule: Rule): string {
  const sets = ruleset.sets.filter((s) => s.family === chain.family && s.table === chain.table);
  const registers = new Map<number, Loaded>();
  const parts = rule.expressions.map((e) => expressionText(e, registers, sets)).filter((text) => text !== '');
  // nft leaves a protocol out where a port or a type that only it has follows.
  const text = parts.join(' ').replace(/meta l4proto (tcp|udp) th (?=[sd]port)/g, '$1 ');
  return rule.comment === undefined ? text : `${text} comment ${JSON.stringify(rule.comment)}`;
}

function expressionText(e: Decoded, registers: Map<number, Loaded>, sets: readonly NftSet[]): string {
  const load = (to: number, loaded: Loaded): string => (registers.set(to, loaded), '');
  const at = (register: number): Loaded => registers.get(register) ?? { text: `reg${register}`, kind: 'number', size: 4 };
  switch (e.kind) {
    case 'meta':
      if (e.from !== undefined) return `meta ${metaNames[e.key]?.text.replace('meta ', '') ?? `key${e.key}`} set ${at(e.from).text}`;
      return load(e.to ?? 0, metaNames[e.key] ?? { text: `meta key${e.key}`, kind: 'number', size: 4 });
    case 'payload':
      return load(e.to, payloadField(e.base, e.offset, e.length));
    case 'cmp': {
      const { text, kind, size, prefix } = at(e.from);
      const shorter = kind !== 'address' ? '' : prefix !== undefined ? `/${prefix}` : e.value.length < 4 ? `/${e.value.length * 8}` : '';
      const value = valueText(kind, kind === 'name' ? e.value : e.value.subarray(0, Math.max(size, e.value.length)));
      // What is left of a masked value is compared with zero: any of the bits.
      if (text.endsWith('&') && e.value.every((b) => b === 0)) return text.slice(0, -2).replace(/ & (\S+)$/, e.operator === '!=' ? ' $1' : ' != $1');
      return `${text.replace(/ &$/, '')} ${e.operator === '==' ? '' : `${e.operator} `}${value}${shorter}`;
    }
    case 'range': {
      const { text, kind } = at(e.from);
      return `${text} ${e.negated ? '!= ' : ''}${valueText(kind, e.low)}-${valueText(kind, e.high)}`;
    }
    case 'bitwise': {
      const from = at(e.from);
      if (e.mask.length === 0) return load(e.to, from);
      const ones = Array.from(e.mask, (b) => b.toString(2).padStart(8, '0')).join('');
      if (from.kind === 'address' && /^1*0*$/.test(ones)) return load(e.to, { ...from, prefix: ones.replaceAll('0', '').length });
      const bits = from.kind === 'state' || from.kind === 'status' ? valueText(from.kind, e.mask) : `0x${Buffer.from(e.mask).toString('hex')}`;
      return load(e.to, { ...from, text: `${from.text} & ${bits} &` });
    }
    case 'lookup': {
      const set = sets.find((s) => s.name === e.set);
      const names = concatenation(e.from, registers);
      const members = set?.anonymous ? `{ ${elementsText(set, at(e.from).kind)} }` : `@${e.set}`;
      if (e.to === undefined) return `${names} ${e.negated ? '!= ' : ''}${members}`;
      const verdicts = set?.elements.some((x) => x.verdict);
      load(e.to, { text: `${names} map ${members}`, kind: 'address', size: 4 });
      return verdicts ? `${names} vmap ${members}` : '';
    }
    case 'immediate':
      return load(e.to, { text: e.value.length === 4 ? ipText(e.value) : valueText('port', e.value), kind: 'number', size: e.value.length });
    case 'verdict':
      return verdictText(e.verdict);
    case 'ct':
      return load(
        e.to,
        e.key === ctKeys.state
          ? { text: 'ct state', kind: 'state', size: 4 }
          : e.key === ctKeys.status
            ? { text: 'ct status', kind: 'status', size: 4 }
            : { text: `ct key${e.key}`, kind: 'number', size: 4 },
      );
    case 'fib':
      return load(e.to, {
        text: `fib ${e.flags & fib.source ? 'saddr' : 'daddr'} ${e.result === fib.addressType ? 'type' : 'oif'}`,
        kind: e.result === fib.addressType ? 'addrtype' : 'index',
        size: 4,
      });
    case 'nat':
      return `${e.type} to ${e.address === undefined ? '' : at(e.address).text}${e.port === undefined || at(e.address ?? 0).text.includes(' map ') ? '' : `:${at(e.port).text}`}`;
    case 'masquerade':
      return 'masquerade';
    case 'redirect':
      return e.port === undefined ? 'redirect' : `redirect to :${at(e.port).text}`;
    case 'reject':
      return 'reject';
    case 'counter':
      return `counter packets ${e.packets} bytes ${e.bytes}`;
    default:
      return `[${e.name}]`;
  }
}

function payloadField(base: string, offset: number, length: number): Loaded {
  if (base === 'network') {
    if (offset === 9 && length === 1) return { text: 'ip protocol', kind: 'protocol', size: 1 };
    if (offset === 12 && length <= 4) return { text: 'ip saddr', kind: 'address', size: length };
    if (offset === 16 && length <= 4) return { text: 'ip daddr', kind: 'address', size: length };
    if (offset === 8 && length === 16) return { text: 'ip6 saddr', kind: 'address', size: 16 };
    if (offset === 24 && length === 16) return { text: 'ip6 daddr', kind: 'address', size: 16 };
  }
  if (base === 'transport' && length === 2 && offset === 0) return { text: 'th sport', kind: 'port', size: 2 };
  if (base === 'transport' && length === 2 && offset === 2) return { text: 'th dport', kind: 'port', size: 2 };
  return { text: `@${base === 'network' ? 'nh' : base === 'transport' ? 'th' : 'll'},${offset * 8},${length * 8}`, kind: 'number', size: length };
}

/** What registers in a row were loaded with: `ip daddr . meta l4proto . th dport`. */
function concatenation(from: number, registers: ReadonlyMap<number, Loaded>): string {
  const names: string[] = [];
  for (let at = from; registers.has(at); at += Math.ceil(registers.get(at)!.size / 4)) names.push(registers.get(at)!.text);
  return names.join(' . ') || `reg${from}`;
}

function elementsText(set: NftSet, kind: Kind): string {
  const shown = set.elements
    .filter((e) => !e.intervalEnd)
    .map((e) => {
      const data = e.verdict ? verdictText(e.verdict) : e.data && ipText(e.data);
      return `${e.catchAll ? '*' : valueText(kind, e.key)}${data === undefined ? '' : ` : ${data}`}`;
    });
  return shown.join(', ');
}

const hostNumber = (value: Uint8Array): number => (value.length >= 4 ? new DataView(value.buffer, value.byteOffset).getUint32(0, true) : (value[0] ?? 0));
const namesOfBits = (bits: number, names: Readonly<Record<number, string>>): string =>
  Object.entries(names)
    .filter(([bit]) => bits & Number(bit))
    .map(([, name]) => name)
    .join(',') || `0x${bits.toString(16)}`;

function valueText(kind: Kind, value: Uint8Array): string {
  switch (kind) {
    case 'name': {
      const text = Buffer.from(value)
        .toString('latin1')
        .replace(/\0[^]*$/, '');
      // A comparison of fewer than all sixteen bytes is of the beginning alone.
      return JSON.stringify(value.length < 16 && !value.includes(0) ? `${text}*` : text);
    }
    case 'address':
      return value.length === 16 ? ipText(value) : ipText(Uint8Array.from({ length: 4 }, (_, i) => value[i] ?? 0));
    case 'port':
      return String(((value[0] ?? 0) << 8) | (value[1] ?? 0));
    case 'protocol':
      return protocols[value[0] ?? 0] ?? String(value[0]);
    case 'family':
      return value[0] === 2 ? 'ipv4' : value[0] === 10 ? 'ipv6' : String(value[0]);
    case 'state':
      return namesOfBits(hostNumber(value), states);
    case 'status':
      return namesOfBits(hostNumber(value), statuses);
    case 'addrtype':
      return addressTypes[hostNumber(value)] ?? String(hostNumber(value));
    case 'index':
      return hostNumber(value) === 1 ? '"lo"' : String(hostNumber(value));
    case 'mark':
      return `0x${hostNumber(value).toString(16)}`;
    default:
      return `0x${Buffer.from(value).toString('hex')}`;
  }
}
