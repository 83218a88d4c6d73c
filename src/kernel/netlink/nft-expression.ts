/**
 * The expressions of which nf_tables rules are made. Each loads a register, compares one, looks one up, or ends the rule.
 * A concatenation is several 4-byte registers in a row. See include/uapi/linux/netfilter/nf_tables.h.
 */
import { describeAttribute, nested, raw, string, u32, u32be, u64be, type Attribute } from './attribute.ts';
import { NFTA_DATA_VALUE, NFTA_DATA_VERDICT, NFTA_VERDICT_CODE } from './nft-attributes.ts';
import { ctKeys, fib, metaKeys } from './nft-decode.ts';

/** An expression: its name and its data, as attributes. */
export type Expression = readonly Attribute[];

export const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;

/** The nth 4-byte register (NFT_REG32_00 …): where a concatenation's nth component goes. */
export const register = (n: number): number => 8 + n;
const verdictRegister = 0;

const comparisons = { eq: 0, neq: 1 } as const;
const verdicts = { drop: 0, accept: 1, return: -5 } as const;
const natTypes = { snat: 0, dnat: 1 } as const;

/** Bits of `ct state` and `ct status` (include/uapi/linux/netfilter/nf_conntrack_common.h). */
export const ctState = { invalid: 1, established: 2, related: 4, new: 8 } as const;
export const ctStatus = { snat: 0x10, dnat: 0x20 } as const;

const expression = (name: string, ...data: Attribute[]): Expression => [string(NFTA_EXPR_NAME, 'name', name), nested(NFTA_EXPR_DATA, 'data', data)];
const registerOf = (type: number, name: string, n: number): Attribute => u32be(type, name, n, n >= 8 ? `r${n - 8}` : `reg${n}`);
const value = (type: number, name: string, bytes: Uint8Array, text?: string): Attribute => nested(type, name, [raw(NFTA_DATA_VALUE, 'value', bytes)], text);

/** `{meta, key=oifname, dreg=r0}`. */
export function describeExpression(e: Expression): string {
  const data = e[1]!.value as readonly Attribute[];
  return `{${[JSON.parse(e[0]!.text) as string, ...data.map(describeAttribute)].join(', ')}}`;
}

/** Loads what is known of the packet beside its bytes. */
export const meta = (key: keyof typeof metaKeys, dreg = register(0)): Expression =>
  expression('meta', u32be(2, 'key', metaKeys[key], key), registerOf(1, 'dreg', dreg));

/** Has every rule that the packet meets from here on reported (nft-trace.ts). The register must hold a one. */
export const trace = (sreg = register(0)): Expression => expression('meta', u32be(2, 'key', metaKeys.nftrace, 'nftrace'), registerOf(3, 'sreg', sreg));

/** Loads bytes of the network (IPv4) or transport (TCP, UDP) header. */
export const payload = (base: 'network' | 'transport', offset: number, length: number, dreg = register(0)): Expression =>
  expression('payload', registerOf(1, 'dreg', dreg), u32be(2, 'base', base === 'network' ? 1 : 2, base), u32be(3, 'offset', offset), u32be(4, 'len', length));

/** Goes on only where the register compares so with the bytes. */
export const compare = (operator: keyof typeof comparisons, bytes: Uint8Array, text?: string, sreg = register(0)): Expression =>
  expression('cmp', registerOf(1, 'sreg', sreg), u32be(2, 'op', comparisons[operator], operator), value(3, 'data', bytes, text));

/** Keeps the bits of the mask: `register = register & mask`. */
export const mask = (bits: Uint8Array, text?: string, reg = register(0)): Expression =>
  expression(
    'bitwise',
    registerOf(1, 'sreg', reg),
    registerOf(2, 'dreg', reg),
    u32be(3, 'len', bits.length),
    value(4, 'mask', bits, text),
    value(5, 'xor', new Uint8Array(bits.length), '0'),
  );

/** Loads what connection tracking knows. */
export const connection = (key: keyof typeof ctKeys, dreg = register(0)): Expression =>
  expression('ct', registerOf(1, 'dreg', dreg), u32be(2, 'key', ctKeys[key], key));

/** Loads the type of the packet's destination address (RTN_LOCAL, …), as the routing table has it. */
export const destinationType = (dreg = register(0)): Expression =>
  expression('fib', registerOf(1, 'dreg', dreg), u32be(2, 'result', fib.addressType, 'addrtype'), u32be(3, 'flags', fib.destination, 'daddr'));

/** Looks a key up in a map and loads the data; ends the rule where the key is not there. */
export const lookup = (map: string, sreg = register(0), dreg = register(0)): Expression =>
  expression('lookup', string(1, 'set', map), registerOf(2, 'sreg', sreg), registerOf(3, 'dreg', dreg));

/** Loads given bytes. */
export const immediate = (bytes: Uint8Array, text?: string, dreg = register(0)): Expression =>
  expression('immediate', registerOf(1, 'dreg', dreg), value(2, 'data', bytes, text));

/** Decides on the packet, as far as this chain goes. */
export const verdict = (code: keyof typeof verdicts): Expression =>
  expression(
    'immediate',
    registerOf(1, 'dreg', verdictRegister),
    nested(2, 'data', [nested(NFTA_DATA_VERDICT, 'verdict', [u32be(NFTA_VERDICT_CODE, 'code', verdicts[code])])], code),
  );

/** Rewrites the destination (or source) to the address and port in two registers. */
export const nat = (type: keyof typeof natTypes, addressRegister = register(0), portRegister = register(1)): Expression =>
  expression(
    'nat',
    u32be(1, 'type', natTypes[type], type),
    u32be(2, 'family', 2, 'ip'),
    registerOf(3, 'reg_addr_min', addressRegister),
    registerOf(5, 'reg_proto_min', portRegister),
  );

/** Rewrites the source to the address of the interface that the packet leaves by. */
export const masquerade = (): Expression => expression('masq');

/** Counts packets and bytes. */
export const counter = (): Expression => expression('counter', u64be(1, 'bytes', 0n), u64be(2, 'packets', 0n));

/** A 32-bit value in the machine's byte order, as registers hold conntrack bits, interface indexes and address types. */
export const hostOrder = (number: number): Uint8Array => u32(0, '', number).value as Uint8Array;

/** An interface's name as registers hold it: 16 bytes, zero-filled. */
export function interfaceName(name: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(Buffer.from(name).subarray(0, 15));
  return bytes;
}
