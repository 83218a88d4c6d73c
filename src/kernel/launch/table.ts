/**
 * The table compiler: rows of calls become the bytes that the interpreter walks. Everything the calls point to is
 * laid out behind the rows, for a fixed address at which the table will be mapped.
 */
import { Result, Stored, Struct, Unknown, type Arg, type Call } from '../call.ts';
import { architecture as thisArchitecture, syscallNumber, type Architecture } from '../syscalls.ts';
import { notRun, rowLayout } from './row.ts';

/** One call in a table, and where to go on after it. */
export interface Row {
  readonly call: Call;
  /** After an error: the next row if the call accepts errors, else the section's last row, unless said otherwise. */
  onError?: Row;
  /** After zero: the next row unless said otherwise. */
  onZero?: Row;
  /** After a positive value: the next row unless said otherwise. */
  onPositive?: Row;
  /** The number that the system call is made by, where it is not the call's own: see {@link RewriteTable}. */
  number?: number;
}

/**
 * Changes a section of a table before it is compiled. Only tests have one: it is how they have a call fail that another process
 * makes (test/support/failing-kernel.ts). Production code hands it on, and gives none.
 */
export type RewriteTable = (section: Row[]) => void;

/** Makes a row of each call. */
export function rows(calls: readonly Call[]): Row[] {
  return calls.map((call) => ({ call }));
}

/** A compiled table. */
export interface Table {
  /** To be used before the next table is compiled: the memory is the same, since a start would else leave tens of kilobytes behind. */
  readonly bytes: Uint8Array;
  /** Where each section begins and ends in `bytes`. */
  readonly sections: readonly { readonly start: number; readonly end: number }[];
  /** The offset of a row in `bytes`. */
  offsetOf(row: Row): number;
  /** The offset of the bytes that an argument points to: where the kernel writes what a call returns through memory. */
  offsetOfBytes(bytes: Uint8Array): number;
}

const page = 4096;
let scratch = Buffer.alloc(0);
const align = (n: number, to: number): number => Math.ceil(n / to) * to;

/**
 * Compiles sections of rows. The last row of a section is where errors go (an exit_group).
 * @param base the address at which the bytes will be mapped
 * @param alignment each section starts at a multiple of it, in bytes: pages at least, so that one can be unmapped
 */
export function compileTable(sections: readonly (readonly Row[])[], base: bigint, alignment = page, architecture: Architecture = thisArchitecture): Table {
  const rowOffsets = new Map<Row, number>();
  const callOffsets = new Map<Call, number>();
  const data: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  const byteOffsets = new Map<Uint8Array, number>();
  // The kernel only reads what is given as text: the same text is there once.
  const textOffsets = new Map<string, number>();
  let end = 0;

  const place = (bytes: Uint8Array): number => {
    const known = byteOffsets.get(bytes);
    if (known !== undefined) return known;
    const at = align(end, 8);
    end = at + bytes.length;
    data.push({ at, bytes });
    byteOffsets.set(bytes, at);
    return at;
  };
  const placeText = (text: string): number => {
    const known = textOffsets.get(text);
    if (known !== undefined) return known;
    const at = align(end, 8);
    end = at + Buffer.byteLength(text) + 1;
    textOffsets.set(text, at);
    return at;
  };
  // Addresses are below 2^47, so a number holds them exactly: thousands of words are written, and a bigint for each took a millisecond.
  const first = Number(base);
  const pointer = (at: number): number => first + at;
  const placeTarget = (target: Uint8Array | string | Struct): number => {
    if (typeof target === 'string') return pointer(placeText(target));
    if (target instanceof Uint8Array) return pointer(place(target));
    const view = new DataView(target.bytes.buffer, target.bytes.byteOffset, target.bytes.byteLength);
    for (const [offset, inner] of target.pointers) view.setBigUint64(offset, BigInt(placeTarget(inner)), true);
    return pointer(place(target.bytes));
  };
  // Once, however many calls have it: an execve for each directory of PATH has the whole environment.
  const lists = new Map<readonly string[], number>();
  const placeList = (strings: readonly string[]): number => {
    const known = lists.get(strings);
    if (known !== undefined) return known;
    const list = new BigUint64Array(strings.length + 1);
    strings.forEach((s, i) => (list[i] = BigInt(placeTarget(s))));
    const at = place(new Uint8Array(list.buffer));
    lists.set(strings, at);
    return at;
  };
  const encode = (arg: Arg): number | bigint => {
    if (typeof arg === 'string') return placeTarget(arg);
    if (typeof arg === 'number' || typeof arg === 'bigint') return arg;
    if (arg === null) return 0;
    if (arg instanceof Unknown) throw new Error(`${arg} is not known: an explanation can't be compiled`);
    if (arg instanceof Result) {
      const at = callOffsets.get(arg.of);
      if (at === undefined) throw new Error(`the result of ${arg.of.name} is used, but the call is not in the table`);
      return pointer(at + rowLayout.result);
    }
    if (arg instanceof Stored) return placeTarget(arg.bytes);
    if (arg instanceof Uint8Array || arg instanceof Struct) return placeTarget(arg);
    return pointer(placeList(arg));
  };

  const encoded: (number | bigint)[] = [];
  const placed: { start: number; end: number }[] = [];
  for (const section of sections) {
    const start = align(end, alignment);
    // Hundreds of rows, in a function that V8 interprets: loops by number, without an iterator's call for each.
    for (let i = 0; i < section.length; i++) {
      const row = section[i]!;
      rowOffsets.set(row, start + i * rowLayout.size);
      callOffsets.set(row.call, start + i * rowLayout.size);
    }
    end = start + section.length * rowLayout.size;
    for (let i = 0; i < section.length; i++) {
      const { args } = section[i]!.call;
      for (let k = 0; k < args.length; k++) {
        const arg = args[k]!;
        encoded.push(typeof arg === 'number' ? arg : encode(arg));
      }
    }
    placed.push({ start, end });
  }

  if (scratch.length < end) scratch = Buffer.alloc(align(2 * end, 8));
  const bytes = scratch.subarray(0, end).fill(0);
  const words = new Uint32Array(bytes.buffer, 0, Math.ceil(end / 4));
  for (const { at, bytes: content } of data) bytes.set(content, at);
  for (const [text, at] of textOffsets) bytes.write(text, at);
  const put = (word: number, value: number | bigint): void => {
    if (typeof value === 'bigint') value = BigInt.asUintN(64, value);
    words[word] = typeof value === 'bigint' ? Number(value & 0xffff_ffffn) : value;
    words[word + 1] = typeof value === 'bigint' ? Number(value >> 32n) : Math.floor(value / 2 ** 32);
  };
  const addressOfRow = (row: Row): number => pointer(rowOffsets.get(row)!);
  // The bytes are zero already: of an address below 4 GiB only one word is to be written.
  const putAddress = pointer(end) < 2 ** 32 ? (word: number, address: number): void => void (words[word] = address) : put;
  let index = 0;
  for (const [number, section] of sections.entries()) {
    let at = placed[number]!.start;
    const last = at + (section.length - 1) * rowLayout.size;
    // Some thousand words: calls are made for those only that need one.
    for (let i = 0; i < section.length; i++) {
      const row = section[i]!;
      const { args, name, accept } = row.call;
      const word = at / 4;
      let indirect = 0;
      for (let k = 0; k < args.length; k++) {
        const value = encoded[index++]!;
        const to = word + rowLayout.args / 4 + 2 * k;
        if (typeof value === 'number' && value >= 0 && value < 2 ** 32) words[to] = value;
        else put(to, value);
        const arg = args[k];
        if (arg instanceof Result || arg instanceof Stored) indirect |= 1 << k;
      }
      words[word + rowLayout.number / 4] = row.number ?? syscallNumber(name, architecture);
      words[word + rowLayout.indirect / 4] = indirect;
      words[word + rowLayout.result / 4] = notRun;
      words[word + rowLayout.result / 4 + 1] = -1; // its sign
      // What ends the process comes back only where a filter refuses even that: then no row follows, and it dies of the address 0.
      const next = at === last ? 0 : pointer(at + rowLayout.size);
      putAddress(word + rowLayout.onError / 4, row.onError ? addressOfRow(row.onError) : accept || at === last ? next : pointer(last));
      putAddress(word + rowLayout.onZero / 4, row.onZero ? addressOfRow(row.onZero) : next);
      putAddress(word + rowLayout.next / 4, row.onPositive ? addressOfRow(row.onPositive) : next);
      at += rowLayout.size;
    }
  }
  return { bytes, sections: placed, offsetOf: (row) => rowOffsets.get(row)!, offsetOfBytes: (b) => byteOffsets.get(b)! };
}

/** The result of a row in the bytes of a table that has been walked; undefined while it has not run. */
export function resultOf(table: Table, row: Row, bytes: Uint8Array): number | undefined {
  const at = table.offsetOf(row) + rowLayout.result;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const value = view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  return value === notRun ? undefined : value;
}
