/**
 * Netlink attributes (struct nlattr): a type, a length, and a value or further attributes. Each carries its name and
 * the text of its value, so that a message prints from the same data that is sent. See netlink(7), RFC 3549 section 2.
 */
import { isIPv4 } from 'node:net';
import { Unknown, type Known } from '../call.ts';

/** One attribute. `unknown` is set where the value waits for the kernel's answer: such a message prints, but cannot be sent. */
export interface Attribute {
  readonly type: number;
  readonly name: string;
  readonly value: Uint8Array | readonly Attribute[];
  readonly text: string;
  readonly unknown?: boolean;
  /** A struct before the attributes inside: only veth's peer has one. */
  readonly prefix?: Uint8Array;
}

/** Marks attributes that contain attributes (include/uapi/linux/netlink.h). */
export const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

const bytes = (size: number, set: (view: DataView) => void): Uint8Array => {
  const value = new Uint8Array(size);
  set(new DataView(value.buffer));
  return value;
};

/** An 8-bit number. */
export const u8 = (type: number, name: string, value: number): Attribute => ({ type, name, value: Uint8Array.of(value), text: String(value) });

/** A 16-bit number in network byte order. */
export const u16be = (type: number, name: string, value: number): Attribute => ({
  type,
  name,
  value: bytes(2, (v) => v.setUint16(0, value)),
  text: String(value),
});

/** A 32-bit number in the machine's byte order (both architectures are little-endian); `text` replaces the number where it has a name. */
export const u32 = (type: number, name: string, value: Known, text = String(value)): Attribute =>
  value instanceof Unknown
    ? { type, name, value: new Uint8Array(4), text, unknown: true }
    : { type, name, value: bytes(4, (v) => v.setUint32(0, value, true)), text };

/** A 32-bit number in network byte order, as nf_tables has them all; `text` replaces the number where it has a name. */
export const u32be = (type: number, name: string, value: number, text = String(value)): Attribute => ({
  type,
  name,
  value: bytes(4, (v) => v.setInt32(0, value | 0)),
  text,
});

/** A 64-bit number in network byte order. */
export const u64be = (type: number, name: string, value: bigint): Attribute => ({
  type,
  name,
  value: bytes(8, (v) => v.setBigUint64(0, value)),
  text: String(value),
});

/** A NUL-terminated string. */
export const string = (type: number, name: string, value: string): Attribute => ({ type, name, value: Buffer.from(`${value}\0`), text: JSON.stringify(value) });

/** Raw bytes, printed as `text`, by default in hexadecimal. */
export const raw = (type: number, name: string, value: Uint8Array, text = `0x${Buffer.from(value).toString('hex')}`): Attribute => ({
  type,
  name,
  value,
  text,
});

/** An IPv4 address in dotted form. */
export const ipv4 = (type: number, name: string, value: string): Attribute => ({ type, name, value: ipv4Bytes(value), text: value });

/** A hardware address, `02:42:ac:11:00:02`. */
export const mac = (type: number, name: string, value: string): Attribute => ({
  type,
  name,
  value: Buffer.from(value.replaceAll(':', ''), 'hex'),
  text: value,
});

/** Attributes inside an attribute: `{kind="veth", data={…}}`. */
export const nested = (type: number, name: string, value: readonly Attribute[], text = describeAttributes(value)): Attribute => ({ type, name, value, text });

/** A list: elements that all have the same type and no name of their own. */
export const list = (type: number, name: string, elementType: number, elements: readonly (readonly Attribute[])[]): Attribute =>
  nested(
    type,
    name,
    elements.map((e) => nested(elementType, '', e)),
    `[${elements.map(describeAttributes).join(', ')}]`,
  );

/** The four bytes of a dotted IPv4 address. */
export function ipv4Bytes(address: string): Uint8Array {
  if (!isIPv4(address)) throw new TypeError(`"${address}" is not an IPv4 address`);
  return Uint8Array.from(address.split('.'), Number);
}

/** The dotted form of four bytes. */
export const ipv4Text = (value: Uint8Array): string => value.subarray(0, 4).join('.');

/** The text of an IPv4 or IPv6 address; the latter as RFC 5952 shortens it. */
export function ipText(value: Uint8Array): string {
  if (value.length !== 16) return ipv4Text(value);
  const words = Array.from({ length: 8 }, (_, i) => ((value[2 * i]! << 8) | value[2 * i + 1]!).toString(16)).join(':');
  const longest = [...words.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].sort((a, b) => b[0].length - a[0].length)[0];
  if (!longest) return words;
  return `${words.slice(0, longest.index).replace(/:$/, '')}::${words.slice(longest.index + longest[0].length).replace(/^:/, '')}`;
}

/** `{ifname="veth1", mtu=1500}`. */
function describeAttributes(attributes: readonly Attribute[]): string {
  return `{${attributes.map(describeAttribute).join(', ')}}`;
}

/** `mtu=1500`; nameless elements are their value alone. */
export function describeAttribute(a: Attribute): string {
  return a.name ? `${a.name}=${a.text}` : a.text;
}

/** Whether a value in here waits for the kernel's answer. */
export function hasUnknown(attributes: readonly Attribute[]): boolean {
  return attributes.some((a) => a.unknown === true || (!(a.value instanceof Uint8Array) && hasUnknown(a.value)));
}

/** The size rounded up to netlink's alignment of 4 bytes. */
export const align = (size: number): number => (size + 3) & ~3;

/** Attributes as the kernel reads them, each padded to 4 bytes. */
export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  const parts = attributes.map((a): [Attribute, Uint8Array] => [a, valueBytes(a)]);
  const out = new Uint8Array(parts.reduce((sum, [, value]) => sum + 4 + align(value.length), 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [a, value] of parts) {
    view.setUint16(at, 4 + value.length, true);
    view.setUint16(at + 2, a.type | (a.value instanceof Uint8Array ? 0 : NLA_F_NESTED), true);
    out.set(value, at + 4);
    at += 4 + align(value.length);
  }
  return out;
}

function valueBytes(a: Attribute): Uint8Array {
  if (a.value instanceof Uint8Array) return a.value;
  const inside = encodeAttributes(a.value);
  return a.prefix ? Buffer.concat([a.prefix, inside]) : inside;
}

/** Attributes of a reply, by type. Where a type repeats (a list), the last one is kept: see {@link decodeList}. */
export class Attributes {
  readonly #values = new Map<number, Uint8Array>();

  constructor(encoded: Uint8Array) {
    for (const [type, value] of entries(encoded)) this.#values.set(type, value);
  }

  bytes(type: number): Uint8Array | undefined {
    return this.#values.get(type);
  }
  string(type: number): string | undefined {
    const value = this.#values.get(type);
    return (
      value &&
      Buffer.from(value)
        .toString('utf8')
        .replace(/\0[^]*$/, '')
    );
  }
  u16be(type: number): number | undefined {
    return this.#view(type, 2)?.getUint16(0);
  }
  u32(type: number): number | undefined {
    return this.#view(type, 4)?.getUint32(0, true);
  }
  /** Signed, as chain priorities are. */
  i32be(type: number): number | undefined {
    return this.#view(type, 4)?.getInt32(0);
  }
  u64be(type: number): bigint | undefined {
    return this.#view(type, 8)?.getBigUint64(0);
  }
  nested(type: number): Attributes | undefined {
    const value = this.#values.get(type);
    return value && new Attributes(value);
  }

  #view(type: number, size: number): DataView | undefined {
    const value = this.#values.get(type);
    return value && value.length >= size ? new DataView(value.buffer, value.byteOffset, value.length) : undefined;
  }
}

/** The elements of a list attribute. */
export function decodeList(encoded: Uint8Array): Attributes[] {
  return [...entries(encoded)].map(([, value]) => new Attributes(value));
}

function* entries(encoded: Uint8Array): Generator<[type: number, value: Uint8Array]> {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.length);
  for (let at = 0; at + 4 <= encoded.length;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > encoded.length) return; // malformed: nothing after it can be trusted
    yield [view.getUint16(at + 2, true) & NLA_TYPE_MASK, encoded.subarray(at + 4, at + length)];
    at += align(length);
  }
}
