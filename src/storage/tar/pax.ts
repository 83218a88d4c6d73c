/**
 * PAX extended headers: records `LENGTH KEY=VALUE\n` before an entry, for what its header block cannot hold.
 * See POSIX.1-2017, pax, "pax Extended Header"; the SCHILY, LIBARCHIVE and GNU keys in tar(5) and the GNU tar manual.
 */
import type { ByteString } from '../../kernel/file-at.ts';
import type { TarTime } from './entry.ts';

/** Records by key. GNU sparse 0.0 repeats its keys; those come together as `GNU.sparse.map`, as sparse 0.1 has it. */
export type PaxRecords = Map<string, ByteString>;

/**
 * Reads records into `records`. An empty value takes an earlier (global) record back.
 * @returns undefined, or a string that says what is wrong
 */
export function parsePax(data: Buffer, records: PaxRecords): string | undefined {
  const map: string[] = [];
  for (let at = 0; at < data.length;) {
    if (data[at] === 0) break; // some writers pad inside the stated size
    const blank = data.indexOf(0x20, at);
    const digits = blank < 0 || blank - at > 10 ? '' : data.toString('latin1', at, blank);
    const length = /^[0-9]+$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (length <= digits.length + 2 || end > data.length || data[end - 1] !== 0x0a)
      return `a PAX record at byte ${at} of the extended header has a wrong length`;
    const equals = data.indexOf(0x3d, blank + 1);
    if (equals < 0 || equals >= end || equals === blank + 1) return `a PAX record at byte ${at} of the extended header has no key`;
    const key = data.toString('latin1', blank + 1, equals);
    const value = data.toString('latin1', equals + 1, end - 1);
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') map.push(value);
    else records.set(key, value);
    at = end;
  }
  if (map.length) records.set('GNU.sparse.map', map.join(','));
  return undefined;
}

/** A whole number of a record; undefined when it is none, negative or beyond 2^53. */
export function parsePaxInteger(value: ByteString): number | undefined {
  const number = /^[0-9]{1,16}$/.test(value) ? Number(value) : NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** A time of a record: decimal seconds, with fraction and sign. Digits beyond nanoseconds are cut off. */
export function parsePaxTime(value: ByteString): TarTime | undefined {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(value);
  if (!match) return undefined;
  const seconds = Number(match[2]);
  const nsec = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'));
  if (!match[1]) return { seconds, nsec };
  return nsec === 0 ? { seconds: 0 - seconds, nsec } : { seconds: -seconds - 1, nsec: 1e9 - nsec };
}

/** The record's text of a time: as many digits as it needs. */
export function formatPaxTime(time: TarTime): string {
  if (time.nsec === 0) return String(time.seconds);
  const negative = time.seconds < 0;
  const seconds = negative ? -(time.seconds + 1) : time.seconds;
  const nsec = negative ? 1e9 - time.nsec : time.nsec;
  return `${negative ? '-' : ''}${seconds}.${String(nsec).padStart(9, '0').replace(/0+$/, '')}`;
}

const xattrPrefix = 'SCHILY.xattr.';
const libarchivePrefix = 'LIBARCHIVE.xattr.';

/** The extended attributes among the records. Where both notations give one, SCHILY's (the raw bytes) counts. */
export function paxXattrs(records: PaxRecords): [ByteString, Buffer][] {
  const found = new Map<ByteString, Buffer>();
  for (const [key, value] of records) {
    if (key.startsWith(xattrPrefix)) found.set(key.slice(xattrPrefix.length), Buffer.from(value, 'latin1'));
    else if (key.startsWith(libarchivePrefix)) {
      const name = key.slice(libarchivePrefix.length).replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
      if (!records.has(xattrPrefix + name)) found.set(name, Buffer.from(value, 'base64'));
    }
  }
  return [...found];
}

/** The record of an extended attribute. A `=` in its name would end SCHILY's key; LIBARCHIVE's is URL-encoded. */
export function paxXattrRecord(name: ByteString, value: Uint8Array): [string, ByteString] {
  if (!name.includes('=')) return [xattrPrefix + name, Buffer.from(value).toString('latin1')];
  const encoded = name.replace(/[%=]/g, (c) => (c === '=' ? '%3D' : '%25'));
  return [libarchivePrefix + encoded, Buffer.from(value).toString('base64')];
}

/** Writes records, in the given order. */
export function encodePax(records: readonly (readonly [key: string, value: ByteString])[]): Buffer {
  return Buffer.from(records.map(([key, value]) => encodeRecord(` ${key}=${value}\n`)).join(''), 'latin1');
}

function encodeRecord(rest: string): string {
  // The length counts its own digits.
  let length = rest.length + String(rest.length).length;
  length = rest.length + String(length).length;
  return `${length}${rest}`;
}
