/** Makes an entry of all that a tar archive says of it: the header block, PAX records, GNU's long names and sparse maps. */
import type { ByteString } from '../../kernel/file-at.ts';
import type { SparseRun, TarEntry, TarEntryType, TarTime } from './entry.ts';
import type { RawHeader } from './header.ts';
import { parsePaxInteger, parsePaxTime, paxXattrs, type PaxRecords } from './pax.ts';
import { checkSparse, parseSparseList } from './sparse.ts';

/** What stood before an entry's header block, or continued it. */
export interface EntryExtensions {
  /** Global records, then the entry's own. */
  readonly records: PaxRecords;
  readonly longPath: ByteString | undefined;
  readonly longLink: ByteString | undefined;
  /** The map and the real size of an old GNU sparse entry. */
  readonly gnuSparse: { readonly runs: readonly SparseRun[]; readonly size: number } | undefined;
}

/** An entry, and what follows it in the archive. */
export interface EntryHeader {
  readonly entry: TarEntry;
  /** Bytes stored as its content. */
  readonly stored: number;
  /** Whether its sparse map comes first among these (PAX sparse 1.0). */
  readonly mapFirst: boolean;
}

const types: Readonly<Record<string, TarEntryType>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  D: 'directory',
  '6': 'fifo',
};

/** Puts an entry together. Returns a string that says what is wrong where it cannot. */
export function makeEntry(raw: RawHeader, extensions: EntryExtensions): EntryHeader | string {
  const { records } = extensions;
  const path = record(records, 'GNU.sparse.name') ?? record(records, 'path') ?? extensions.longPath ?? raw.path;
  const linkTarget = record(records, 'linkpath') ?? extensions.longLink ?? raw.linkTarget;
  if (path === '') return 'its name is empty';
  if (path.includes('\0') || linkTarget.includes('\0')) return 'its name has a NUL in it';
  let type = types[raw.type];
  if (!type) return `its type ${JSON.stringify(raw.type)} is not known`;
  if (type === 'file' && raw.type !== 'S' && path.endsWith('/')) type = 'directory'; // Unix v7 had no type for them

  const uid = integerRecord(records, 'uid') ?? raw.uid;
  const gid = integerRecord(records, 'gid') ?? raw.gid;
  // 2^32−1 would mean "leave as it is" to chown(2), and so a file of root's.
  if (!isId(uid) || !isId(gid)) return `its owner ${uid}:${gid} is out of range`;
  const mtime = timeRecord(records, raw.mtime);
  if (!mtime) return 'its modification time is not a number';
  const stated = integerRecord(records, 'size') ?? raw.size;
  if (Number.isNaN(stated)) return 'its size is not a number';

  // Links, directories and devices have no content, whatever their size field says; GNU's incremental dumps list names.
  const stored = type === 'file' || raw.type === 'D' ? stated : 0;
  const sparse = type === 'file' ? sparseOf(extensions, stored) : undefined;
  if (typeof sparse === 'string') return sparse;
  const entry: TarEntry = {
    type,
    path,
    linkTarget: type === 'hardlink' || type === 'symlink' ? linkTarget : '',
    mode: raw.mode & 0o7777,
    uid,
    gid,
    size: sparse ? sparse.size : type === 'file' ? stored : 0,
    mtime,
    major: raw.major,
    minor: raw.minor,
    xattrs: records.size ? paxXattrs(records) : [],
    ...(sparse?.runs ? { sparse: sparse.runs } : {}),
  };
  return { entry, stored, mapFirst: sparse !== undefined && sparse.runs === undefined };
}

/** A record's value; one that is empty takes the header's field back into force. */
const record = (records: PaxRecords, key: string): ByteString | undefined => records.get(key) || undefined;

/** A record's number: undefined where there is none, NaN where it is no number. */
function integerRecord(records: PaxRecords, key: string): number | undefined {
  const value = record(records, key);
  return value === undefined ? undefined : (parsePaxInteger(value) ?? NaN);
}

const isId = (id: number): boolean => id >= 0 && id < 2 ** 32 - 1;

function timeRecord(records: PaxRecords, seconds: number): TarTime | undefined {
  const value = record(records, 'mtime');
  return value === undefined ? { seconds, nsec: 0 } : parsePaxTime(value);
}

/** The sparse map and the size of the whole file; no runs yet where the map comes with the content; undefined for an ordinary file. */
function sparseOf({ records, gnuSparse }: EntryExtensions, stored: number): { size: number; runs?: readonly SparseRun[] } | undefined | string {
  if (gnuSparse) return checkSparse(gnuSparse.runs, gnuSparse.size, stored) ?? gnuSparse;
  if (record(records, 'GNU.sparse.major') !== undefined) {
    const version = `${record(records, 'GNU.sparse.major')}.${record(records, 'GNU.sparse.minor') ?? 0}`;
    if (version !== '1.0') return `its sparse format ${version} is not known`;
    const size = integerRecord(records, 'GNU.sparse.realsize');
    return size === undefined || Number.isNaN(size) ? 'its sparse size is missing' : { size };
  }
  const list = records.get('GNU.sparse.map');
  if (list === undefined) return undefined;
  const size = integerRecord(records, 'GNU.sparse.size');
  const runs = parseSparseList(list);
  if (!runs || size === undefined || Number.isNaN(size)) return 'its sparse map is malformed';
  return checkSparse(runs, size, stored) ?? { size, runs };
}
