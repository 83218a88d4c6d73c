/**
 * `hako overlay ls` and `cat`: what is in a directory of layers stacked, or of one layer alone, and from which layer it comes; and
 * what is in a file. Nothing is mounted. Everything is opened beneath the layers' descriptors, and only regular files are read.
 */
import { closeSync, openSync } from 'node:fs';
import { errno, errnoMessage, errnoName, KernelError } from '../../kernel/errno.ts';
import {
  closeFd,
  isDirectory,
  procPath,
  readDirectory,
  readLinkAt,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  statAt,
  statFd,
  toBytes,
  toText,
  tryOpenBeneath,
  type ByteString,
} from '../../kernel/file-at.ts';
import { openFlags } from '../../kernel/flags.ts';
import { isOpaque, isWhiteoutAt } from '../../kernel/xattr.ts';
import { parentOf } from '../../storage/layer-extract-path.ts';
import { traceLayers, type LayerFind, type Trace } from '../../storage/layer-trace.ts';
import { ElementError } from '../interpret.ts';
import type { OpenStack } from './stack.ts';
import { absolute, fileFacts, type FileFacts } from './which.ts';

/** A name in a directory. */
export interface Listed extends FileFacts {
  /** Absolute in the overlay. */
  readonly path: string;
  /** The layer that it is shown from. */
  readonly layer: string;
  /** The layers that a directory's names come from, where they are several. */
  readonly merged?: readonly string[];
  /** Of one layer alone: nothing of the layers below shows in this directory. */
  readonly opaque?: true;
}

interface Place {
  readonly trace: Trace;
  readonly find: LayerFind;
  readonly index: number;
}

/** Finds a path, with links at its end followed too. @throws ElementError when it is not there */
function locate(stack: OpenStack, path: ByteString): Place {
  let bytes = path;
  for (let links = 0; links <= 40; links++) {
    const trace = traceLayers(stack.fds, bytes, stack.family);
    const find = trace.shown === undefined ? undefined : trace.finds[trace.shown];
    if (!find) throw new ElementError(missing(stack, path, trace));
    if (find.target === undefined) return { trace, find, index: trace.shown! };
    bytes = find.target.startsWith('/') ? find.target : `${parentOf(trace.path)}/${find.target}`;
  }
  throw new KernelError(`follow the links of "${toText(path)}"`, errno.ELOOP);
}

/** The sentence for a path that is not there; a layer that has it below another is named. */
function missing(stack: OpenStack, path: ByteString, trace: Trace): string {
  const hidden = trace.finds.findIndex((find) => find.role === 'hidden');
  const hiding = trace.finds[hidden]?.hidden;
  const why = hiding
    ? `: layer ${stack.layers[hidden]!.name} has it, but the ${nameOfHiding(hiding.by)} ${absolute(hiding.path)} in layer ${stack.layers[hiding.layer]!.name} hides it`
    : '';
  return `${stack.of} shows no ${absolute(trace.path)}${trace.path === path.replace(/^\/+/, '') ? '' : ` (${toText(path)})`}${why}`;
}

/** What hides something, in words. */
export const nameOfHiding = (by: 'whiteout' | 'opaque' | 'file' | 'directory'): string => (by === 'opaque' ? 'opaque directory' : by);

/** How a directory is listed. */
export interface ListOptions {
  /** What is in its directories too. */
  readonly recursive?: boolean;
  /** Of a stack of one layer: all that it has, whiteouts too. */
  readonly alone?: boolean;
}

/**
 * What the stack shows in a directory, sorted; a file alone is listed itself.
 * @throws ElementError when the path is not there
 */
export function* list(stack: OpenStack, path: string, { recursive = false, alone = false }: ListOptions = {}): Generator<Listed> {
  yield* listBelow(stack, toBytes(path), recursive, alone ? layerEntries : shownEntries);
}

/** A name in a directory, by its bytes: what a person reads of it may not lead back to it. */
interface Entry {
  readonly path: ByteString;
  readonly listed: Listed;
}

type Lister = (stack: OpenStack, place: Place) => Entry[];

function* listBelow(stack: OpenStack, path: ByteString, recursive: boolean, entriesIn: Lister): Generator<Listed> {
  const place = locate(stack, path);
  const { trace, find, index } = place;
  if (!isDirectory(find.status!)) {
    yield { path: absolute(trace.path), layer: stack.layers[index]!.name, ...fileFacts(find.status!) };
    return;
  }
  for (const entry of entriesIn(stack, place)) {
    yield entry.listed;
    if (recursive && entry.listed.type === 'directory') yield* listBelow(stack, entry.path, recursive, entriesIn);
  }
}

/** What the layers together show. */
function shownEntries(stack: OpenStack, { trace }: Place): Entry[] {
  const names = new Map<ByteString, Entry | undefined>();
  for (const [i, { role, path }] of trace.finds.entries()) {
    if (role !== 'shown' && role !== 'merged') continue;
    for (const { name, whiteout, ...entry } of entriesOf(stack, i, path, trace.path)) if (!names.has(name)) names.set(name, whiteout ? undefined : entry);
  }
  return [...names]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, entry]) =>
      entry ? [entry.listed.type === 'directory' ? { ...entry, listed: { ...entry.listed, ...mergedOf(stack, entry.path) } } : entry] : [],
    );
}

/** The layers that a directory is made of, where they are several. */
function mergedOf(stack: OpenStack, path: ByteString): Pick<Listed, 'merged'> {
  if (stack.layers.length < 2) return {};
  const { finds } = traceLayers(stack.fds, path, stack.family);
  const merged = finds.flatMap(({ role }, i) => (role === 'shown' || role === 'merged' ? [stack.layers[i]!.name] : []));
  return merged.length > 1 ? { merged } : {};
}

/** Everything that one layer has. */
function layerEntries(stack: OpenStack, { trace, find }: Place): Entry[] {
  return entriesOf(stack, 0, find.path, trace.path).map(({ path, whiteout, listed }) => ({
    path,
    listed: {
      ...listed,
      ...(whiteout ? { type: 'whiteout' } : {}),
      ...(listed.type === 'directory' && isOpaqueAt(stack, path) ? { opaque: true as const } : {}),
    },
  }));
}

/** What one layer has in a directory. @param shownAs the directory's path in the overlay */
function entriesOf(
  stack: OpenStack,
  index: number,
  place: ByteString,
  shownAs: ByteString,
): (Entry & { readonly name: ByteString; readonly whiteout: boolean })[] {
  const directory = openDirectory(stack, index, place);
  try {
    return readDirectory(directory).flatMap(({ name }) => {
      const status = statAt(directory, name);
      if (!status) return [];
      const target = (status.mode & S_IFMT) === S_IFLNK ? readLinkAt(directory, name) : undefined;
      const path = shownAs === '' ? name : `${shownAs}/${name}`;
      const listed = { path: absolute(path), layer: stack.layers[index]!.name, ...fileFacts(status, target) };
      return [{ name, path, whiteout: isWhiteoutAt(directory, name, status, stack.family), listed }];
    });
  } finally {
    closeFd(directory);
  }
}

function isOpaqueAt(stack: OpenStack, path: ByteString): boolean {
  const fd = tryOpenBeneath(stack.fds[0]!, path, openFlags.O_PATH | openFlags.O_NOFOLLOW);
  if (fd < 0) return false;
  try {
    return isOpaque(fd, stack.family);
  } finally {
    closeFd(fd);
  }
}

function openDirectory(stack: OpenStack, index: number, path: ByteString): number {
  const fd = tryOpenBeneath(stack.fds[index]!, path, openFlags.O_DIRECTORY);
  if (fd < 0) throw new KernelError(`open ${absolute(path)} in layer ${stack.layers[index]!.name}`, -fd);
  return fd;
}

/**
 * Opens a regular file of the stack for reading. The caller closes it.
 * @throws ElementError when the path is not there, or is no regular file
 */
export function openContent(stack: OpenStack, path: string): { readonly fd: number; readonly size: number; readonly layer: string } {
  const { trace, find, index } = locate(stack, toBytes(path));
  // Where only the attributes were copied up, the content is below.
  const at = find.metacopy ? trace.finds.findIndex(({ role }) => role === 'content') : index;
  const from = trace.finds[at];
  if (!from)
    throw new ElementError(`${absolute(trace.path)} has its attributes in layer ${stack.layers[index]!.name}, and its content in no layer of ${stack.of}`);
  if ((find.status!.mode & S_IFMT) !== S_IFREG)
    throw new ElementError(`${absolute(trace.path)} in ${stack.of} is a ${fileFacts(find.status!).type}, not a file with content`);
  const place = tryOpenBeneath(stack.fds[at]!, from.path, openFlags.O_PATH | openFlags.O_NOFOLLOW);
  if (place < 0)
    throw new ElementError(`cannot open ${absolute(from.path)} in layer ${stack.layers[at]!.name}: ${errnoMessage(-place)} (${errnoName(-place)})`);
  try {
    const status = statFd(place);
    if ((status.mode & S_IFMT) !== S_IFREG)
      throw new ElementError(`${absolute(from.path)} in layer ${stack.layers[at]!.name} was replaced while it was looked at: try again`);
    // Through /proc, so that it is the very file that was looked at.
    return { fd: openSync(procPath(place), 'r'), size: status.size, layer: stack.layers[at]!.name };
  } finally {
    closeSync(place);
  }
}
