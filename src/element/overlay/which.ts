/**
 * `hako overlay which`: which layer answers for a path, what the others have there, and what hides what.
 * The search is that of src/storage/layer-trace.ts; here it becomes what a person reads.
 */
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, toBytes, toText, type FileStatus } from '../../kernel/file-at.ts';
import { traceLayers, type Hiding, type LayerFind } from '../../storage/layer-trace.ts';
import type { OpenStack, Stack } from './stack.ts';

/** A file of a layer, for people and programs. */
export interface FileFacts {
  readonly type: string;
  /** As ls(1) writes it, in octal: `0644`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** RFC 3339. */
  readonly modified: string;
  /** Of a symbolic link. */
  readonly target?: string;
}

/** What one layer has at the path. */
export interface LayerAnswer {
  readonly layer: string;
  readonly createdBy?: string;
  /** See {@link LayerFind}: `shown`, `merged`, `content`, `hidden`, `none`. */
  readonly role: LayerFind['role'];
  readonly found: LayerFind['found'];
  /** Where it was looked for in this layer. */
  readonly path: string;
  readonly file?: FileFacts;
  readonly opaque?: true;
  readonly redirect?: string;
  readonly metacopy?: true;
  readonly hiddenBy?: { readonly layer: string; readonly kind: Hiding['by']; readonly path: string };
  /** What this layer itself has in the place of a directory above. */
  readonly above?: { readonly kind: Hiding['by']; readonly path: string };
}

/** The answer to a path. */
export interface Which {
  /** The path that was asked for. */
  readonly asked: string;
  /** With the links in its directories followed. */
  readonly path: string;
  readonly links: readonly { readonly path: string; readonly target: string; readonly layer: string }[];
  /** The name of the layer that answers; null where the overlay shows nothing. */
  readonly shown: string | null;
  /** The top one first. */
  readonly layers: readonly LayerAnswer[];
}

const typeNames: Readonly<Record<number, string>> = {
  [S_IFREG]: 'file',
  [S_IFDIR]: 'directory',
  [S_IFLNK]: 'link',
  [S_IFCHR]: 'character device',
  [S_IFBLK]: 'block device',
  [S_IFIFO]: 'fifo',
  [S_IFSOCK]: 'socket',
};

/** The name of a file's type. */
export const typeName = ({ mode }: FileStatus): string => typeNames[mode & S_IFMT] ?? 'unknown';

/** Seconds since 1970 in RFC 3339. */
export const timeText = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');

/** The facts of a file. @param target of a symbolic link */
export function fileFacts(status: FileStatus, target?: string): FileFacts {
  return {
    type: typeName(status),
    mode: (status.mode & 0o7777).toString(8).padStart(4, '0'),
    uid: status.uid,
    gid: status.gid,
    size: status.size,
    modified: timeText(status.mtime),
    ...(target === undefined ? {} : { target: toText(target) }),
  };
}

/** A path of a layer as the overlay's users write it. */
export const absolute = (path: string): string => `/${toText(path)}`;

/** Asks every layer for a path. @throws KernelError when a layer cannot be read, or for too many links */
export function which(stack: OpenStack, path: string): Which {
  const trace = traceLayers(stack.fds, toBytes(path), stack.family);
  const nameOf = (index: number): string => stack.layers[index]!.name;
  return {
    asked: path,
    path: absolute(trace.path),
    links: trace.links.map((link) => ({ path: absolute(link.path), target: toText(link.target), layer: nameOf(link.layer) })),
    shown: trace.shown === undefined ? null : nameOf(trace.shown),
    layers: trace.finds.map((find, i) => answer(stack, i, find)),
  };
}

function answer(stack: Stack, index: number, find: LayerFind): LayerAnswer {
  const { name, createdBy } = stack.layers[index]!;
  const { hidden, above } = find;
  return {
    layer: name,
    ...(createdBy === undefined ? {} : { createdBy }),
    role: find.role,
    found: find.found,
    path: absolute(find.path),
    ...(find.status && find.found === 'file' ? { file: fileFacts(find.status, find.target) } : {}),
    ...(find.opaque ? { opaque: true } : {}),
    ...(find.redirect === undefined ? {} : { redirect: toText(find.redirect) }),
    ...(find.metacopy ? { metacopy: true } : {}),
    ...(hidden ? { hiddenBy: { layer: stack.layers[hidden.layer]!.name, kind: hidden.by, path: absolute(hidden.path) } } : {}),
    ...(above ? { above: { kind: above.by, path: absolute(above.path) } } : {}),
  };
}
