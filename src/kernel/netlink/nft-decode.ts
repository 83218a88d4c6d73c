/**
 * Decodes the expressions of nf_tables rules from what the kernel lists, for printing (nft-text.ts) and for following a packet
 * through them. The mirror of nft-expression.ts; see include/uapi/linux/netfilter/nf_tables.h.
 */
import { Attributes } from './attribute.ts';
import { NFTA_DATA_VALUE, NFTA_DATA_VERDICT, NFTA_VERDICT_CHAIN, NFTA_VERDICT_CODE } from './nft-attributes.ts';

/** What a verdict does. `jump` and `goto` name a chain. */
export interface Verdict {
  /** `unknown` is one that is not decoded. */
  readonly code: 'drop' | 'accept' | 'continue' | 'break' | 'jump' | 'goto' | 'return' | 'queue' | 'unknown';
  readonly chain?: string;
}

/**
 * One expression. Registers are counted in units of four bytes, whichever way the kernel names them; `unknown` is one that is not
 * decoded (limit, log, xtables' matches, …).
 */
export type Decoded =
  | { readonly kind: 'meta'; readonly key: number; readonly to?: number; readonly from?: number }
  | {
      readonly kind: 'payload';
      readonly base: 'link' | 'network' | 'transport' | 'inner';
      readonly offset: number;
      readonly length: number;
      readonly to: number;
    }
  | { readonly kind: 'cmp'; readonly from: number; readonly operator: Operator; readonly value: Uint8Array }
  | { readonly kind: 'range'; readonly from: number; readonly negated: boolean; readonly low: Uint8Array; readonly high: Uint8Array }
  | { readonly kind: 'bitwise'; readonly from: number; readonly to: number; readonly mask: Uint8Array; readonly xor: Uint8Array }
  | { readonly kind: 'lookup'; readonly set: string; readonly from: number; readonly to?: number; readonly negated: boolean }
  | { readonly kind: 'immediate'; readonly to: number; readonly value: Uint8Array }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'ct'; readonly key: number; readonly to: number }
  | { readonly kind: 'fib'; readonly result: number; readonly flags: number; readonly to: number }
  | { readonly kind: 'nat'; readonly type: 'snat' | 'dnat'; readonly address?: number; readonly port?: number }
  | { readonly kind: 'masquerade' }
  | { readonly kind: 'redirect'; readonly port?: number }
  | { readonly kind: 'reject' }
  | { readonly kind: 'counter'; readonly packets: bigint; readonly bytes: bigint }
  | { readonly kind: 'unknown'; readonly name: string };

export type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=';
const operators: readonly Operator[] = ['==', '!=', '<', '<=', '>', '>='];
const verdictCodes: Readonly<Record<number, Verdict['code']>> = {
  0: 'drop',
  1: 'accept',
  3: 'queue',
  [-1]: 'continue',
  [-2]: 'break',
  [-3]: 'jump',
  [-4]: 'goto',
  [-5]: 'return',
};
/** Keys of meta (NFT_META_…). */
export const metaKeys = { mark: 3, iif: 4, oif: 5, iifname: 6, oifname: 7, nftrace: 12, nfproto: 15, l4proto: 16 } as const;
/** Keys of ct (NFT_CT_…). */
export const ctKeys = { state: 0, status: 2 } as const;
/** Of fib: what is asked for (NFT_FIB_RESULT_ADDRTYPE), and of which address (NFTA_FIB_F_…). */
export const fib = { addressType: 3, source: 1, destination: 2 } as const;

const bases = ['link', 'network', 'transport', 'inner'] as const;
const empty = new Uint8Array();

/** The place of a register in units of four bytes: NFT_REG_1 … 4 are sixteen bytes each, NFT_REG32_00 … four. */
const slot = (register: number | undefined): number => (register === undefined ? 0 : register >= 8 ? register - 8 : (register - 1) * 4);

/** A verdict, from the nested NFTA_DATA_VERDICT or NFTA_TRACE_VERDICT. */
export function decodeVerdict(verdict: Attributes): Verdict {
  const chain = verdict.string(NFTA_VERDICT_CHAIN);
  const code = verdict.i32be(NFTA_VERDICT_CODE) ?? NaN;
  // Of a queue the upper half is its number.
  return { code: verdictCodes[code < 0 ? code : code & 0xff] ?? 'unknown', ...(chain === undefined ? {} : { chain }) };
}

/** NFT_OBJECT_QUOTA, _LIMIT and _CONNLIMIT: stateful objects that decide; the others (counters, helpers, …) do not. */
const limitingObjects: ReadonlySet<number> = new Set([2, 4, 5]);

/** One element of NFTA_RULE_EXPRESSIONS. */
export function decodeExpression(element: Attributes): Decoded {
  const name = element.string(1) ?? '';
  const data = element.nested(2) ?? new Attributes(empty);
  const number = (type: number): number => data.i32be(type) ?? 0;
  const register = (type: number): number => slot(data.i32be(type));
  const optional = <K extends string>(key: K, type: number): { readonly [k in K]?: number } =>
    (data.i32be(type) === undefined ? {} : { [key]: register(type) }) as { readonly [k in K]?: number };
  const bytes = (type: number): Uint8Array => data.nested(type)?.bytes(NFTA_DATA_VALUE) ?? empty;
  switch (name) {
    case 'meta':
      return { kind: 'meta', key: number(2), ...optional('to', 1), ...optional('from', 3) };
    case 'payload':
      // One that writes into the packet has a source register instead.
      if (data.i32be(1) === undefined) return { kind: 'unknown', name: 'payload set' };
      return { kind: 'payload', to: register(1), base: bases[number(2)] ?? 'inner', offset: number(3), length: number(4) };
    case 'cmp':
      return { kind: 'cmp', from: register(1), operator: operators[number(2)] ?? '==', value: bytes(3) };
    case 'range':
      return { kind: 'range', from: register(1), negated: number(2) === 1, low: bytes(3), high: bytes(4) };
    case 'bitwise':
      if (number(6) !== 0) return { kind: 'unknown', name: 'shift' };
      return { kind: 'bitwise', from: register(1), to: register(2), mask: bytes(4), xor: bytes(5) };
    case 'lookup':
      return { kind: 'lookup', set: data.string(1) ?? '', from: register(2), ...optional('to', 3), negated: (number(5) & 1) !== 0 };
    case 'immediate': {
      const verdict = data.nested(2)?.nested(NFTA_DATA_VERDICT);
      return verdict ? { kind: 'verdict', verdict: decodeVerdict(verdict) } : { kind: 'immediate', to: register(1), value: bytes(2) };
    }
    case 'ct':
      return data.i32be(1) === undefined ? { kind: 'unknown', name: 'ct set' } : { kind: 'ct', to: register(1), key: number(2) };
    case 'fib':
      return { kind: 'fib', to: register(1), result: number(2), flags: number(3) };
    case 'nat':
      return { kind: 'nat', type: number(1) === 0 ? 'snat' : 'dnat', ...optional('address', 3), ...optional('port', 5) };
    case 'masq':
      return { kind: 'masquerade' };
    case 'redir':
      return { kind: 'redirect', ...optional('port', 1) };
    case 'reject':
      return { kind: 'reject' };
    case 'objref': {
      const type = data.i32be(1);
      // Of a map of objects the kind is the map's, which is not read.
      return { kind: 'unknown', name: type === undefined || limitingObjects.has(type) ? 'objref limit' : 'objref' };
    }
    case 'dynset': {
      const inner = data.nested(7)?.string(1);
      return { kind: 'unknown', name: data.bytes(10) || (inner !== undefined && inner !== 'counter') ? 'dynset limit' : 'dynset' };
    }
    case 'counter':
      return { kind: 'counter', bytes: data.u64be(1) ?? 0n, packets: data.u64be(2) ?? 0n };
    default:
      return { kind: 'unknown', name };
  }
}
