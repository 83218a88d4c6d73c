/** One header block of a tar archive, read and written. POSIX.1-2001 (pax): https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html */

export const blockSize = 512;

export type EntryType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

export interface TarEntry {
  readonly name: string;
  readonly type: EntryType;
  /** Permission bits, with set-user-id, set-group-id and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow. */
  readonly size: number;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** Of links. */
  readonly linkName: string;
  readonly major: number;
  readonly minor: number;
}

const typeFlags: Readonly<Record<EntryType, string>> = { file: '0', link: '1', symlink: '2', character: '3', block: '4', directory: '5', fifo: '6' };
const typesByFlag = new Map(Object.entries(typeFlags).map(([type, flag]) => [flag, type as EntryType]));

/** The header of an entry, with a pax header before it where the old one is too small for the names or numbers. */
export function encodeHeader(entry: TarEntry): Buffer {
  const records: string[] = [];
  const fits = (text: string, room: number): boolean => /^[\x20-\x7e]*$/.test(text) && text.length <= room;
  if (!fits(entry.name, 100)) records.push(paxRecord('path', entry.name));
  if (!fits(entry.linkName, 100)) records.push(paxRecord('linkpath', entry.linkName));
  if (entry.size >= 8 ** 11) records.push(paxRecord('size', String(entry.size)));
  if (entry.uid >= 8 ** 7) records.push(paxRecord('uid', String(entry.uid)));
  if (entry.gid >= 8 ** 7) records.push(paxRecord('gid', String(entry.gid)));
  if (!Number.isInteger(entry.mtime)) records.push(paxRecord('mtime', entry.mtime.toFixed(9)));
  const header = block(entry, typeFlags[entry.type]);
  if (records.length === 0) return header;
  const data = Buffer.from(records.join(''));
  const pax = block({ ...entry, name: 'PaxHeader', linkName: '', size: data.length, mode: 0o644, uid: 0, gid: 0, mtime: 0 }, 'x');
  return Buffer.concat([pax, data, padding(data.length), header]);
}

/** The zeros that fill the last block of `size` bytes of data. */
export function padding(size: number): Buffer {
  return Buffer.alloc((blockSize - (size % blockSize)) % blockSize);
}

function block(entry: TarEntry, flag: string): Buffer {
  const header = Buffer.alloc(blockSize);
  const octal = (value: number, at: number, width: number): void => {
    header.write((value < 8 ** (width - 1) ? Math.max(0, Math.floor(value)) : 0).toString(8).padStart(width - 1, '0'), at, 'latin1');
  };
  header.write(entry.name, 0, 100, 'utf8');
  octal(entry.mode & 0o7777, 100, 8);
  octal(entry.uid, 108, 8);
  octal(entry.gid, 116, 8);
  octal(entry.size, 124, 12);
  octal(entry.mtime, 136, 12);
  header.fill(' ', 148, 156);
  header.write(flag, 156, 'latin1');
  header.write(entry.linkName, 157, 100, 'utf8');
  header.write('ustar\x0000', 257, 'latin1');
  octal(entry.major, 329, 8);
  octal(entry.minor, 337, 8);
  header.write(`${checksum(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const size = Buffer.byteLength(rest);
  let length = size + String(size).length;
  length = size + String(length).length;
  return `${length}${rest}`;
}

/** The sum of all bytes, those of the checksum itself counted as spaces. */
function checksum(header: Buffer): number {
  let sum = 0;
  for (let i = 0; i < blockSize; i++) sum += i >= 148 && i < 156 ? 32 : header[i]!;
  return sum;
}

/** What a header block says; `flag` is the raw type, for the types that only describe the next entry. */
export type DecodedHeader = TarEntry & { readonly flag: string };

/** @throws Error when the block is no header */
export function decodeHeader(header: Buffer): DecodedHeader {
  const text = (at: number, width: number): string => {
    const end = header.indexOf(0, at);
    return header.toString('utf8', at, end >= 0 && end < at + width ? end : at + width);
  };
  if (parseInt(text(148, 8).trim(), 8) !== checksum(header)) throw new Error('the archive is damaged: the checksum of a tar header is wrong');
  const flag = String.fromCharCode(header[156] || 48);
  const prefix = header.toString('latin1', 257, 263) === 'ustar\0' ? text(345, 155) : '';
  const name = text(0, 100);
  return {
    flag,
    name: prefix ? `${prefix}/${name}` : name,
    type: typesByFlag.get(flag) ?? (name.endsWith('/') ? 'directory' : 'file'),
    mode: number(header, 100, 8) & 0o7777,
    uid: number(header, 108, 8),
    gid: number(header, 116, 8),
    size: number(header, 124, 12),
    mtime: number(header, 136, 12),
    linkName: text(157, 100),
    major: number(header, 329, 8),
    minor: number(header, 337, 8),
  };
}

/** Octal digits, or GNU's binary form, marked by the first bit. */
function number(header: Buffer, at: number, width: number): number {
  if (header[at]! & 0x80) {
    let value = header[at]! & 0x7f;
    for (let i = 1; i < width; i++) value = value * 256 + header[at + i]!;
    return value;
  }
  return (
    parseInt(
      header
        .toString('latin1', at, at + width)
        .replaceAll('\0', ' ')
        .trim() || '0',
      8,
    ) || 0
  );
}

/** The records of a pax header. */
export function decodePax(data: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(32, at);
    const length = parseInt(data.toString('latin1', at, space), 10);
    if (space < 0 || !(length > 0) || at + length > data.length) throw new Error('the archive is damaged: a pax header is malformed');
    const record = data.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}
