/**
 * The header block of a tar archive: 512 bytes, in the layouts of Unix v7, POSIX ustar, GNU and star.
 * See tar(5) of libarchive and POSIX.1-2017, pax, "ustar Interchange Format".
 */
import type { ByteString } from '../../kernel/file-at.ts';
import type { SparseRun } from './entry.ts';

export const BLOCK = 512;

/** A header block's fields; what they mean together (long names, PAX records, sparse maps) is the reader's matter. */
export interface RawHeader {
  /** The type flag: one character; `\0` in archives of Unix v7. */
  readonly type: string;
  readonly path: ByteString;
  readonly linkTarget: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly major: number;
  readonly minor: number;
}

const field = {
  path: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  link: [157, 100],
} as const;

/** Whether all of a block is zero: the mark of an archive's end. */
export function isZeroBlock(block: Buffer): boolean {
  for (let i = 0; i < BLOCK; i += 4) if (block.readInt32LE(i) !== 0) return false;
  return true;
}

/**
 * Reads a header block.
 * @returns the fields, or a string that says what is wrong with it
 */
export function parseHeader(block: Buffer): RawHeader | string {
  const stated = parseNumber(block, ...field.checksum);
  const [unsigned, signed] = checksums(block);
  if (stated === undefined || (stated !== unsigned && stated !== signed))
    return `the header's checksum is ${stated ?? 'no number'}, but its bytes sum up to ${unsigned}`;

  const values: number[] = [];
  for (const name of ['mode', 'uid', 'gid', 'size', 'mtime'] as const) {
    const value = parseNumber(block, field[name][0], field[name][1]);
    if (value === undefined) return `the header's ${name} is not a number`;
    values.push(value);
  }
  const [mode, uid, gid, size, mtime] = values as [number, number, number, number, number];
  const magic = block.toString('latin1', 257, 265);
  const posix = magic.startsWith('ustar\0');
  const known = posix || magic === 'ustar  \0';
  const type = String.fromCharCode(block[156]!);
  const devices = known && (type === '3' || type === '4');
  const major = devices ? parseNumber(block, 329, 8) : 0;
  const minor = devices ? parseNumber(block, 337, 8) : 0;
  if (major === undefined || minor === undefined) return "the header's device number is not a number";
  // GNU's layout has times and the sparse map where ustar has the path's prefix; star ends it earlier.
  const prefix = posix ? parseText(block, 345, block.toString('latin1', 508, 512) === 'tar\0' ? 131 : 155) : '';
  const name = parseText(block, ...field.path);
  return { type, path: prefix ? `${prefix}/${name}` : name, linkTarget: parseText(block, ...field.link), mode, uid, gid, size, mtime, major, minor };
}

/** The sum of a header's bytes with the checksum field as blanks, unsigned and (as some old programs did) signed. */
function checksums(block: Uint8Array): [unsigned: number, signed: number] {
  let unsigned = 256; // eight blanks
  let high = 0;
  for (let i = 0; i < BLOCK; i++) {
    if (i === 148) i = 156;
    const byte = block[i]!;
    unsigned += byte;
    high += byte >> 7;
  }
  return [unsigned, unsigned - 256 * high];
}

function parseText(block: Buffer, start: number, length: number): ByteString {
  let end = start;
  while (end < start + length && block[end] !== 0) end++;
  return block.toString('latin1', start, end);
}

/**
 * A number of a header: octal digits between blanks and NULs, or (first bit set) big-endian two's complement.
 * Undefined when it is neither, or beyond 2^53.
 */
export function parseNumber(block: Uint8Array, start: number, length: number): number | undefined {
  const first = block[start]!;
  if (first & 0x80) return parseBase256(block, start, length);
  let i = start;
  const end = start + length;
  while (i < end && block[i] === 0x20) i++;
  let value = 0;
  for (; i < end; i++) {
    const digit = block[i]! - 0x30;
    if (digit < 0 || digit > 7) break;
    value = value * 8 + digit;
  }
  while (i < end && block[i] === 0x20) i++;
  if (i < end && block[i] !== 0) return undefined; // what follows a NUL is not part of it
  return value;
}

function parseBase256(block: Uint8Array, start: number, length: number): number | undefined {
  const negative = (block[start]! & 0x40) !== 0;
  let value = BigInt(negative ? (block[start]! | 0x80) - 256 : block[start]! & 0x3f);
  for (let i = start + 1; i < start + length; i++) value = value * 256n + BigInt(block[i]!);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** Four (offset, length) pairs of a GNU sparse header, or the 21 of its continuation; a pair of empty fields ends them. */
export function parseGnuSparse(block: Buffer, start: number, pairs: number, into: SparseRun[]): boolean {
  for (let i = 0; i < pairs; i++) {
    const at = start + i * 24;
    if (block[at] === 0 && block[at + 12] === 0) break;
    const offset = parseNumber(block, at, 12);
    const length = parseNumber(block, at + 12, 12);
    if (offset === undefined || length === undefined) return false;
    into.push({ offset, length });
  }
  return true;
}

/** Writes a ustar header; what does not fit the fields (see {@link fitsOctal}) must be in PAX records before it. */
export function encodeHeader(header: RawHeader & { readonly prefix: ByteString }): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, start: number, length: number): void => {
    block.write((fitsOctal(value, length - 1) ? value : 0).toString(8).padStart(length - 1, '0'), start, 'latin1');
  };
  block.write(header.path, 0, 100, 'latin1');
  octal(header.mode, ...field.mode);
  octal(header.uid, ...field.uid);
  octal(header.gid, ...field.gid);
  octal(header.size, ...field.size);
  octal(header.mtime, ...field.mtime);
  block.write(header.type, 156, 'latin1');
  block.write(header.linkTarget, 157, 100, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  octal(header.major, 329, 8);
  octal(header.minor, 337, 8);
  block.write(header.prefix, 345, 155, 'latin1');
  block.write(`${checksums(block)[0].toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** Whether a number can be written with so many octal digits. */
export const fitsOctal = (value: number, digits: number): boolean => value >= 0 && value < 8 ** digits;
