/** Names in a layer's tar: made relative to the layer's root, and taken apart into directory, name and whiteout. */
import { PATH_MAX, type ByteString } from '../kernel/file-at.ts';
import { invalid } from './error.ts';
import { quotePath } from './tar/error.ts';

/**
 * A path of an archive as components joined by `/`; empty for the root. Absolute paths begin at the root; `.` and `..` are
 * resolved in the text, before any link is looked at.
 * @throws StorageError when it leads out of the root, or is longer than the kernel's paths
 */
export function normalizePath(path: ByteString): ByteString {
  if (path.length >= PATH_MAX) throw invalid(`the archive has a path of ${path.length} bytes; at most ${PATH_MAX - 1} are possible: ${quotePath(path)}`);
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) throw invalid(`the archive's path ${quotePath(path)} leads out of its root`);
  }
  return parts.join('/');
}

/** The path of the directory that holds a normalized path; empty for the root. */
export const parentOf = (path: ByteString): ByteString => path.slice(0, Math.max(0, path.lastIndexOf('/')));

/** The last component of a normalized path. */
export const nameOf = (path: ByteString): ByteString => path.slice(path.lastIndexOf('/') + 1);

/** Marks a removed file in a layer's tar: OCI image-spec, layer, "Whiteouts". */
export const whiteoutPrefix = '.wh.';
/** Marks a directory of which nothing below shows. */
export const opaqueMarker = '.wh..wh..opq';
const metadataPrefix = '.wh..wh.'; // of AUFS itself, as layers made on it still have

/** What a normalized path of a layer says: a file, that nothing of a directory shows, that a name is removed, or nothing of use. */
export type LayerName = { readonly kind: 'file' | 'opaque' | 'ignored' } | { readonly kind: 'removed'; readonly name: ByteString };

const file: LayerName = { kind: 'file' };

/** Recognizes whiteouts. @throws StorageError when one removes `.`, `..` or nothing */
export function layerName(path: ByteString): LayerName {
  if (!path.includes(whiteoutPrefix)) return file;
  const last = nameOf(path);
  if (last === opaqueMarker) return { kind: 'opaque' };
  if (path.startsWith(metadataPrefix) || path.includes(`/${metadataPrefix}`)) return { kind: 'ignored' };
  if (!last.startsWith(whiteoutPrefix)) return file;
  const name = last.slice(whiteoutPrefix.length);
  if (name === '' || name === '.' || name === '..') throw invalid(`the archive's whiteout ${quotePath(path)} names no file`);
  return { kind: 'removed', name };
}
