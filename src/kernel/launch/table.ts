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
const high = 2 ** 32;
let scratch = Buffer.alloc(1 << 16);
/** How much of it may not be zero. */
let used = 0;
const align = (n: number, to: number): number => Math.ceil(n / to) * to;

/** Makes the scratch memory as long as that. */
function reach(end: number): void {
  if (scratch.length >= end) return;
  const longer = Buffer.alloc(align(2 * end, 8));
  longer.set(scratch);
  scratch = longer;
}

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
  // Addresses are below 2^47, so a number holds them exactly: thousands of words are written, and a bigint for each took a millisecond.
  const first = Number(base);
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
  const placeTarget = (target: Uint8Array | string | Struct): number => {
    if (typeof target === 'string') return first + placeText(target);
    if (target instanceof Uint8Array) return first + place(target);
    const view = new DataView(target.bytes.buffer, target.bytes.byteOffset, target.bytes.byteLength);
    for (const [offset, inner] of target.pointers) view.setBigUint64(offset, BigInt(placeTarget(inner)), true);
    return first + place(target.bytes);
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
  const encode = (arg: Exclude<Arg, number | string | null>): number | bigint => {
    if (typeof arg === 'bigint') return BigInt.asUintN(64, arg);
    if (arg instanceof Unknown) throw new Error(`${arg} is not known: an explanation can't be compiled`);
    if (arg instanceof Result) {
      const at = callOffsets.get(arg.of);
      if (at === undefined) throw new Error(`the result of ${arg.of.name} is used, but the call is not in the table`);
      return first + at + rowLayout.result;
    }
    if (arg instanceof Stored) return placeTarget(arg.bytes);
    if (arg instanceof Uint8Array || arg instanceof Struct) return placeTarget(arg);
    return first + placeList(arg);
  };

  // Hundreds of rows and thousands of words, in a function that V8 interprets: loops by number, and calls for those only that need one.
  scratch.fill(0, 0, Math.min(used, scratch.length));
  used = Infinity; // should an argument turn out to be none
  const placed: { start: number; end: number }[] = [];
  const later: { readonly word: number; readonly row: Row }[] = [];
  for (const section of sections) {
    const start = align(end, alignment);
    end = start + section.length * rowLayout.size;
    reach(end);
    const words = new Uint32Array(scratch.buffer, 0, scratch.length / 4);
    for (let i = 0; i < section.length; i++) {
      const row = section[i]!;
      rowOffsets.set(row, start + i * rowLayout.size);
      callOffsets.set(row.call, start + i * rowLayout.size);
    }
    const last = start + (section.length - 1) * rowLayout.size;
    const lastHigh = (first + last) / high;
    for (let at = start, i = 0; at <= last; at += rowLayout.size, i++) {
      const row = section[i]!;
      const { args, name, accept } = row.call;
      const word = at / 4;
      let indirect = 0;
      for (let k = 0, to = word + rowLayout.args / 4; k < args.length; k++, to += 2) {
        const arg = args[k]!;
        if (arg === null) continue;
        const value = typeof arg === 'number' ? arg : typeof arg === 'string' ? first + placeText(arg) : encode(arg);
        if (typeof value === 'bigint') {
          words[to] = Number(value & 0xffff_ffffn);
          words[to + 1] = Number(value >> 32n);
          continue;
        }
        words[to] = value; // as the kernel's headers have it: modulo 2^32
        if (value < 0 || value >= high) words[to + 1] = Math.floor(value / high);
        if (typeof arg === 'object' && (arg instanceof Result || arg instanceof Stored)) indirect |= 1 << k;
      }
      words[word + rowLayout.number / 4] = row.number ?? syscallNumber(name, architecture);
      words[word + rowLayout.indirect / 4] = indirect;
      words[word + rowLayout.result / 4] = notRun;
      words[word + rowLayout.result / 4 + 1] = -1; // its sign
      // What ends the process comes back only where a filter refuses even that: then no row follows, and it dies of the address 0.
      const next = at === last ? 0 : first + at + rowLayout.size;
      const nextHigh = next / high;
      const goesOn = accept !== undefined || at === last;
      words[word + rowLayout.onError / 4] = goesOn ? next : first + last;
      words[word + rowLayout.onError / 4 + 1] = goesOn ? nextHigh : lastHigh;
      words[word + rowLayout.onZero / 4] = next;
      words[word + rowLayout.onZero / 4 + 1] = nextHigh;
      words[word + rowLayout.next / 4] = next;
      words[word + rowLayout.next / 4 + 1] = nextHigh;
      // It may be a row of a later section.
      if (row.onError) later.push({ word: word + rowLayout.onError / 4, row: row.onError });
      if (row.onZero) later.push({ word: word + rowLayout.onZero / 4, row: row.onZero });
      if (row.onPositive) later.push({ word: word + rowLayout.next / 4, row: row.onPositive });
    }
    placed.push({ start, end });
  }
  reach(end);
  used = end;
  const words = new Uint32Array(scratch.buffer, 0, scratch.length / 4);
  for (const { word, row } of later) {
    const address = first + rowOffsets.get(row)!;
    words[word] = address;
    words[word + 1] = address / high;
  }
  const bytes = scratch.subarray(0, end);
  for (const { at, bytes: content } of data) bytes.set(content, at);
  for (const [text, at] of textOffsets) bytes.write(text, at);
  return { bytes, sections: placed, offsetOf: (row) => rowOffsets.get(row)!, offsetOfBytes: (b) => byteOffsets.get(b)! };
}

/** The result of a row in the bytes of a table that has been walked; undefined while it has not run. */
export function resultOf(table: Table, row: Row, bytes: Uint8Array): number | undefined {
  const value = resultAt(table.offsetOf(row), new DataView(bytes.buffer, bytes.byteOffset));
  return value === notRun ? undefined : value;
}

const resultAt = (row: number, view: DataView): number => view.getInt32(row + rowLayout.result + 4, true) * high + view.getUint32(row + rowLayout.result, true);

/** A row that returned an error. */
export interface RefusedRow {
  readonly row: Row;
  /** Positive. */
  readonly errno: number;
}

/**
 * The rows of a section that returned an error, in their order.
 * @param section its number among the table's @param rows those rows, or the first of them @param bytes the table as it is now
 */
export function refusedRows(table: Table, section: number, rows: readonly Row[], bytes: Uint8Array): RefusedRow[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const refused: RefusedRow[] = [];
  for (let at = table.sections[section]!.start, i = 0; i < rows.length; at += rowLayout.size, i++) {
    // Its sign first: most are none.
    if (view.getInt32(at + rowLayout.result + 4, true) >= 0) continue;
    const value = resultAt(at, view);
    if (value !== notRun) refused.push({ row: rows[i]!, errno: -value });
  }
  return refused;
}
