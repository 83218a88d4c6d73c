/**
 * D-Bus messages as bytes: what of the protocol a conversation with systemd needs. A value is written by its signature and aligned
 * to its size; a variant carries its own signature.
 * https://dbus.freedesktop.org/doc/dbus-specification.html, "Type System", "Marshaling", "Message Protocol".
 */

/** A value by its signature: numbers (64 bits as bigint), strings, arrays, structs and dictionary entries as arrays, {@link Variant}. */
export type Value = boolean | number | bigint | string | Variant | readonly Value[];

/** A value that says of which type it is. */
export class Variant {
  readonly signature: string;
  readonly value: Value;
  constructor(signature: string, value: Value) {
    this.signature = signature;
    this.value = value;
  }
}

/** What a message is. */
export const messageTypes = { call: 1, reply: 2, error: 3, signal: 4 } as const;

export interface Message {
  readonly type: number;
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  /** Of a reply: the serial of the call. */
  readonly replyTo?: number;
  readonly destination?: string;
  readonly sender?: string;
  readonly signature: string;
  readonly body: readonly Value[];
}

/** Header fields by their codes. */
const fields = [
  [1, 'path', 'o'],
  [2, 'interface', 's'],
  [3, 'member', 's'],
  [4, 'errorName', 's'],
  [5, 'replyTo', 'u'],
  [6, 'destination', 's'],
  [7, 'sender', 's'],
  [8, 'signature', 'g'],
] as const;

/** The most that a message may have; the specification's limit is 128 MiB, and systemd's answers are small. */
const mostBytes = 16 * 2 ** 20;

/** An address that is none, a message that is not well-formed. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Splits a signature into complete types: `sa(sv)` into `s` and `a(sv)`. */
export function typesOf(signature: string): string[] {
  const types: string[] = [];
  for (let at = 0; at < signature.length;) {
    const end = endOfType(signature, at, 0);
    types.push(signature.slice(at, end));
    at = end;
  }
  return types;
}

function endOfType(signature: string, at: number, depth: number): number {
  if (depth > 32) throw new WireError('a signature is nested too deeply');
  const code = signature[at];
  if (code === 'a') return endOfType(signature, at + 1, depth + 1);
  if (code === '(' || code === '{') {
    const close = code === '(' ? ')' : '}';
    let next = at + 1;
    if (signature[next] === close) throw new WireError('a signature has a struct of nothing');
    while (signature[next] !== close) next = endOfType(signature, next, depth + 1);
    return next + 1;
  }
  if (code === undefined || !'ybnqiuxtdsogvh'.includes(code)) throw new WireError(`"${signature}" is not a signature`);
  return at + 1;
}

const alignments: Readonly<Record<string, number>> = {
  y: 1,
  b: 4,
  n: 2,
  q: 2,
  i: 4,
  u: 4,
  x: 8,
  t: 8,
  d: 8,
  s: 4,
  o: 4,
  g: 1,
  v: 1,
  a: 4,
  '(': 8,
  '{': 8,
  h: 4,
};
const alignmentOf = (type: string): number => alignments[type[0]!]!;

/** Puts values one behind the other, in little endian. */
class Writer {
  #bytes = Buffer.alloc(256);
  length = 0;

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  align(to: number): void {
    this.#room((to - (this.length % to)) % to);
  }

  /** Makes room, filled with zeros, and returns where it is. */
  #room(size: number): number {
    if (this.length + size > this.#bytes.length) {
      const larger = Buffer.alloc(2 * (this.length + size));
      this.bytes.copy(larger);
      this.#bytes = larger;
    }
    const at = this.length;
    this.length += size;
    return at;
  }

  /** Writes into room that was made before: making it can move the bytes. */
  #put(size: number, write: (bytes: Buffer, at: number) => unknown): void {
    const at = this.#room(size);
    write(this.#bytes, at);
  }

  number32(value: number): void {
    this.align(4);
    this.#put(4, (bytes, at) => bytes.writeUInt32LE(value >>> 0, at));
  }

  value(type: string, value: Value): void {
    this.align(alignmentOf(type));
    const code = type[0]!;
    if (code === 'y') this.#put(1, (bytes, at) => bytes.writeUInt8(value as number, at));
    else if (code === 'b') this.number32(value ? 1 : 0);
    else if (code === 'n' || code === 'q') this.#put(2, (bytes, at) => bytes.writeUInt16LE((value as number) & 0xffff, at));
    else if (code === 'i' || code === 'u' || code === 'h') this.number32(value as number);
    else if (code === 'x' || code === 't') this.#put(8, (bytes, at) => bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value as bigint)), at));
    else if (code === 'd') this.#put(8, (bytes, at) => bytes.writeDoubleLE(value as number, at));
    else if (code === 's' || code === 'o') this.#text(value as string, true);
    else if (code === 'g') this.#text(value as string, false);
    else if (code === 'v') this.#variant(value as Variant);
    else if (code === 'a') this.#array(type.slice(1), value as readonly Value[]);
    else typesOf(type.slice(1, -1)).forEach((member, i) => this.value(member, (value as readonly Value[])[i]!));
  }

  #text(text: string, long: boolean): void {
    if (text.includes('\0')) throw new WireError('a text has a NUL in it');
    const encoded = Buffer.from(text);
    if (long) this.number32(encoded.length);
    else this.#put(1, (bytes, at) => bytes.writeUInt8(encoded.length, at));
    this.#put(encoded.length + 1, (bytes, at) => encoded.copy(bytes, at));
  }

  #variant({ signature, value }: Variant): void {
    this.value('g', signature);
    this.value(signature, value);
  }

  #array(item: string, values: readonly Value[]): void {
    this.number32(0);
    const at = this.length - 4;
    this.align(alignmentOf(item)); // not counted in the length
    const begin = this.length;
    for (const value of values) this.value(item, value);
    this.#bytes.writeUInt32LE(this.length - begin, at);
  }
}

/** The bytes of a message. */
export function encodeMessage(message: Message): Buffer {
  const body = new Writer();
  typesOf(message.signature).forEach((type, i) => body.value(type, message.body[i]!));
  const header = new Writer();
  for (const byte of [0x6c, message.type, 0, 1]) header.value('y', byte); // `l`: little endian; no flags; version 1
  header.number32(body.length);
  header.number32(message.serial);
  const present = fields.flatMap(([code, name, type]) => {
    const value = message[name];
    return value === undefined || value === '' ? [] : [[code, new Variant(type, value)]];
  });
  header.value('a(yv)', present);
  header.align(8);
  return Buffer.concat([header.bytes, body.bytes]);
}

/** Takes values apart. Everything that is read is checked against the end. */
class Reader {
  readonly #bytes: Buffer;
  readonly #little: boolean;
  at = 0;
  constructor(bytes: Buffer, little: boolean) {
    this.#bytes = bytes;
    this.#little = little;
  }

  align(to: number): void {
    this.at += (to - (this.at % to)) % to;
  }

  #take(size: number): number {
    const at = this.at;
    if (size < 0 || at + size > this.#bytes.length) throw new WireError('a message is cut off');
    this.at += size;
    return at;
  }

  number32(): number {
    this.align(4);
    const at = this.#take(4);
    return this.#little ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  value(type: string, depth = 0): Value {
    if (depth > 64) throw new WireError('a message is nested too deeply');
    this.align(alignmentOf(type));
    switch (type[0]) {
      case 'y':
        return this.#bytes.readUInt8(this.#take(1));
      case 'b':
        return this.number32() !== 0;
      case 'n':
      case 'q': {
        const at = this.#take(2);
        const value = this.#little ? this.#bytes.readUInt16LE(at) : this.#bytes.readUInt16BE(at);
        return type === 'n' ? (value << 16) >> 16 : value;
      }
      case 'i':
        return this.number32() | 0;
      case 'u':
      case 'h':
        return this.number32();
      case 'x':
      case 't': {
        const at = this.#take(8);
        const value = this.#little ? this.#bytes.readBigUInt64LE(at) : this.#bytes.readBigUInt64BE(at);
        return type === 'x' ? BigInt.asIntN(64, value) : value;
      }
      case 'd': {
        const at = this.#take(8);
        return this.#little ? this.#bytes.readDoubleLE(at) : this.#bytes.readDoubleBE(at);
      }
      case 's':
      case 'o':
        return this.#text(this.number32());
      case 'g':
        return this.#text(this.#bytes.readUInt8(this.#take(1)));
      case 'v': {
        const signature = this.value('g') as string;
        if (typesOf(signature).length !== 1) throw new WireError('a variant is not of one type');
        return new Variant(signature, this.value(signature, depth + 1));
      }
      case 'a': {
        const length = this.number32();
        this.align(alignmentOf(type[1]!));
        const end = this.at + length;
        if (end > this.#bytes.length) throw new WireError('a message is cut off');
        const values: Value[] = [];
        while (this.at < end) values.push(this.value(type.slice(1), depth + 1));
        return values;
      }
      default:
        return typesOf(type.slice(1, -1)).map((member) => this.value(member, depth + 1));
    }
  }

  #text(length: number): string {
    const at = this.#take(length + 1);
    return this.#bytes.toString('utf8', at, at + length);
  }
}

/**
 * Reads the first message of what has been received.
 * @returns the message and its length in bytes; undefined while it is not whole
 * @throws WireError when it is no message
 */
export function decodeMessage(bytes: Buffer): { readonly message: Message; readonly length: number } | undefined {
  if (bytes.length < 16) return undefined;
  const little = bytes[0] === 0x6c;
  if (!little && bytes[0] !== 0x42) throw new WireError('what was received is no message');
  const read = (at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at));
  const headerEnd = Math.ceil((16 + read(12)) / 8) * 8;
  const length = headerEnd + read(4);
  if (length > mostBytes) throw new WireError(`a message of ${length} bytes is too long`);
  if (bytes.length < length) return undefined;
  const header = new Reader(bytes.subarray(0, headerEnd), little);
  header.at = 12;
  const known: Record<string, Value> = {};
  for (const [code, variant] of header.value('a(yv)') as [number, Variant][]) {
    const name = fields.find(([number]) => number === code)?.[1];
    if (name) known[name] = variant.value;
  }
  const signature = typeof known['signature'] === 'string' ? known['signature'] : '';
  const body = new Reader(bytes.subarray(headerEnd, length), little);
  return { message: { ...known, type: bytes[1]!, serial: read(8), signature, body: typesOf(signature).map((type) => body.value(type)) }, length };
}
