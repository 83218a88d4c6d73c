/**
 * The table of contents of an image archive: a walk over a tar file's headers, past the content. Only what such
 * archives hold is understood (files, links, long names); what layers hold is the matter of storage/tar.
 */
import { fstatSync } from 'node:fs';
import { posix } from 'node:path';
import { toText } from '../kernel/file-at.ts';
import { readRange } from '../storage/atomic.ts';
import { invalid } from '../storage/error.ts';
import type { Region } from '../storage/layer-unpack.ts';
import { BLOCK, isZeroBlock, parseHeader, type RawHeader } from '../storage/tar/header.ts';
import { parsePax, parsePaxInteger, type PaxRecords } from '../storage/tar/pax.ts';

/** A name inside an archive, without `./`; undefined when it leads out of it. */
export function nameInside(name: string): string | undefined {
  const clean = posix.normalize(name).replace(/^\.\/|\/$/g, '');
  return name.includes('\0') || clean === '' || clean === '.' || clean.startsWith('/') || clean === '..' || clean.startsWith('../') ? undefined : clean;
}

/** An image archive has some files a layer; what has more is something else, or an attack. */
const maximumEntries = 20_000;
const maximumExtendedHeader = 1 << 20;

/** An entry with its extended headers taken in; `content` is where its bytes begin. */
interface Entry extends RawHeader {
  readonly content: number;
}

/**
 * Every file of the archive with its place, and every link with what it points to. Of entries with the same name the last counts.
 * @throws StorageError (invalid) when the archive is damaged or has too many entries
 */
export function scanTar(fd: number, name: string): Map<string, Region | { readonly link: string }> {
  const files = new Map<string, Region | { readonly link: string }>();
  let count = 0;
  for (const entry of entries(fd, name)) {
    if (++count > maximumEntries) throw invalid(`${name} has more than ${maximumEntries} entries, which no image archive has`);
    const path = nameInside(toText(entry.path));
    if (path === undefined) continue;
    if (entry.type === '0' || entry.type === '\0' || entry.type === '7') files.set(path, { fd, offset: entry.content, size: entry.size });
    const target = toText(entry.linkTarget);
    const link =
      entry.type === '1' ? nameInside(target) : entry.type === '2' && !target.startsWith('/') ? nameInside(posix.join(posix.dirname(path), target)) : undefined;
    if (link !== undefined) files.set(path, { link });
  }
  return files;
}

/**
 * Whether a plain tar archive holds an image, judged by its first name: root file systems do not begin with such files.
 * @param head the archive's beginning
 */
export function looksLikeImageArchive(head: Buffer): boolean {
  for (let at = 0; at + BLOCK <= head.length;) {
    const header = parseHeader(head.subarray(at, at + BLOCK));
    if (typeof header === 'string') return false;
    at += BLOCK + padded(header.size);
    if (header.type === 'x' || header.type === 'g' || header.type === 'L' || header.type === 'K') continue;
    const name = nameInside(toText(header.path));
    if (name === undefined) continue; // "./"
    return /^(oci-layout|index\.json|manifest\.json|repositories|ingest|blobs(\/.*)?|[0-9a-f]{64}(\.tar|\.json|\/.*)?)$/.test(name);
  }
  return false;
}

/** Whether `head` begins with a tar header, or is the empty archive. */
export const looksLikeTar = (head: Buffer): boolean =>
  head.length >= BLOCK && (isZeroBlock(head.subarray(0, BLOCK)) || typeof parseHeader(head.subarray(0, BLOCK)) !== 'string');

const padded = (size: number): number => Math.ceil(size / BLOCK) * BLOCK;

function* entries(fd: number, name: string): Generator<Entry> {
  const end = fstatSync(fd).size;
  let records: PaxRecords = new Map();
  let long: { path?: string; link?: string } = {};
  for (let at = 0; at < end;) {
    const block = readRange(fd, at, BLOCK);
    if (block.length < BLOCK) throw invalid(`${name} is damaged: it ends within a header, at byte ${at}`);
    if (isZeroBlock(block)) return;
    const header = parseHeader(block);
    if (typeof header === 'string') throw invalid(`${name} is damaged at byte ${at}: ${header}`);
    const content = at + BLOCK;
    const size = parsePaxInteger(records.get('size') ?? '') ?? header.size;
    if (size < 0 || content + size > end) throw invalid(`${name} is damaged: it ends within ${JSON.stringify(toText(header.path))}, after ${end} bytes`);
    at = content + padded(size);

    if ('xLKg'.includes(header.type)) {
      if (size > maximumExtendedHeader) throw invalid(`${name} is damaged at byte ${content}: an extended header of ${size} bytes`);
      const data = readRange(fd, content, size);
      const zero = data.indexOf(0);
      const text = data.toString('latin1', 0, zero < 0 ? size : zero);
      if (header.type === 'L') long.path = text;
      else if (header.type === 'K') long.link = text;
      const problem = header.type === 'x' ? parsePax(data, records) : undefined; // global headers say nothing that matters here
      if (problem) throw invalid(`${name} is damaged: ${problem}`);
      continue;
    }
    if (header.type === 'S' || records.has('GNU.sparse.realsize') || records.has('GNU.sparse.size'))
      throw invalid(`${name} has sparse files, which image archives must not have: make it without --sparse`);
    yield {
      ...header,
      size,
      content,
      path: records.get('path') ?? long.path ?? header.path,
      linkTarget: records.get('linkpath') ?? long.link ?? header.linkTarget,
    };
    records = new Map();
    long = {};
  }
}
