/**
 * `hako overlay waste`: what of an image's or a container's layers nobody can see any more, because a later layer overwrote or deleted
 * it, and what is there more than once. A layer is never changed, so what is deleted above is stored and carried all the same.
 */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { closeFd, procPath, statFd, tryOpenBeneath } from '../../kernel/file-at.ts';
import { openFlags } from '../../kernel/flags.ts';
import { layerTree, type Content, type Hidden } from './layer-tree.ts';
import type { OpenStack } from './stack.ts';
import { absolute } from './which.ts';

/** Bytes are of regular files, holes included; a file with several names counts once. */
export interface Waste {
  readonly of: string;
  /** All layers together. */
  readonly bytes: number;
  /** What the topmost layer still shows of them. */
  readonly shownBytes: number;
  readonly wastedBytes: number;
  /** 0 to 1: `shownBytes` of `bytes`. */
  readonly efficiency: number;
  /** The top one first. */
  readonly layers: readonly LayerWaste[];
  /** The worst first. */
  readonly files: readonly WastedFile[];
  /** Files that are shown and have the content of another; absent where nobody asked. The worst first. */
  readonly duplicates?: readonly Duplicate[];
  readonly duplicateBytes?: number;
}

/** One layer. */
export interface LayerWaste {
  readonly layer: string;
  readonly createdBy?: string;
  readonly files: number;
  readonly bytes: number;
  /** Of its bytes, those that layers above hide. */
  readonly wastedBytes: number;
  /** Bytes of layers below that this one hides. */
  readonly hidesBytes: number;
}

/** A path under which something is stored that is not shown. */
export interface WastedFile {
  readonly path: string;
  readonly bytes: number;
  readonly how: Hidden['how'];
  /** The layers that have it in vain, the lowest first, each with the layer that hid it. */
  readonly in: readonly { readonly layer: string; readonly bytes: number; readonly hiddenBy: string }[];
  /** What is shown has the same content: the file was copied for its attributes alone. Known where contents are compared. */
  readonly sameContent?: true;
}

/** A content that several shown files have. */
export interface Duplicate {
  /** Of one of them. */
  readonly size: number;
  /** What all but one take. */
  readonly bytes: number;
  readonly files: readonly { readonly layer: string; readonly path: string }[];
}

/** Counts. @param compare also read files of equal sizes, to find equal contents */
export function waste(stack: OpenStack, compare: boolean): Waste {
  const { contents, hidden } = layerTree(stack, true);
  const bytesOf = (list: readonly Content[]): number => list.reduce((sum, { size }) => sum + size, 0);
  const bytes = bytesOf(contents);
  const wasted = contents.filter(({ shown }) => shown === 0);
  const wastedBytes = bytesOf(wasted);
  const hiddenLast = new Map(hidden.map(({ content, by }) => [content, by]));
  const reader = new ContentReader(stack);
  const shown = contents.filter((content) => content.shown > 0);
  const duplicates = compare ? duplicatesOf(shown, stack, reader) : undefined;
  return {
    of: stack.of,
    bytes,
    shownBytes: bytes - wastedBytes,
    wastedBytes,
    efficiency: bytes === 0 ? 1 : (bytes - wastedBytes) / bytes,
    layers: stack.layers.map(({ name, createdBy }, i) => {
      const own = contents.filter(({ layer }) => layer === i);
      return {
        layer: name,
        ...(createdBy === undefined ? {} : { createdBy }),
        files: own.length,
        bytes: bytesOf(own),
        wastedBytes: bytesOf(own.filter((content) => content.shown === 0)),
        hidesBytes: bytesOf(wasted.filter((content) => hiddenLast.get(content) === i)),
      };
    }),
    files: wastedFiles(hidden, shown, stack, compare ? reader : undefined),
    ...(duplicates ? { duplicates, duplicateBytes: duplicates.reduce((sum, duplicate) => sum + duplicate.bytes, 0) } : {}),
  };
}

/** What is hidden, by path. */
function wastedFiles(hidden: readonly Hidden[], shown: readonly Content[], stack: OpenStack, reader: ContentReader | undefined): WastedFile[] {
  const byPath = new Map<string, Hidden[]>();
  const counted = new Set<Content>();
  for (const one of hidden) {
    // A file with several names is told once.
    if (one.content.shown > 0 || one.content.size === 0 || counted.has(one.content)) continue;
    counted.add(one.content);
    const list = byPath.get(one.path);
    if (list) list.push(one);
    else byPath.set(one.path, [one]);
  }
  const shownAt = new Map(reader ? shown.map((content) => [content.path, content] as const) : []);
  const files = [...byPath].map(([path, list]): WastedFile => {
    const now = shownAt.get(path);
    const same =
      now !== undefined &&
      list.every(({ content }) => content.size === now.size && reader!.digest(content) !== undefined && reader!.digest(content) === reader!.digest(now));
    return {
      path: absolute(path),
      bytes: list.reduce((sum, { content }) => sum + content.size, 0),
      how: list.at(-1)!.how,
      in: list.map(({ content, by }) => ({ layer: stack.layers[content.layer]!.name, bytes: content.size, hiddenBy: stack.layers[by]!.name })),
      ...(same ? { sameContent: true as const } : {}),
    };
  });
  return files.sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1));
}

function duplicatesOf(shown: readonly Content[], stack: OpenStack, reader: ContentReader): Duplicate[] {
  let groups: Content[][] = [shown.filter(({ size }) => size > 0)];
  // Ever more costly: most files are told apart by their size, and most of the rest by how they begin.
  const keys: readonly ((content: Content) => number | string | undefined)[] = [({ size }) => size, (c) => reader.beginning(c), (c) => reader.digest(c)];
  for (const keyOf of keys)
    groups = groups.flatMap((group) => [...Map.groupBy(group, keyOf)].flatMap(([key, same]) => (key !== undefined && same.length > 1 ? [same] : [])));
  return groups
    .map((group) => ({
      size: group[0]!.size,
      bytes: group[0]!.size * (group.length - 1),
      files: group.map(({ layer, path }) => ({ layer: stack.layers[layer]!.name, path: absolute(path) })),
    }))
    .sort((a, b) => b.bytes - a.bytes);
}

const beginningBytes = 4096;
const chunk = Buffer.allocUnsafe(1 << 20);

/** Reads contents of layers, each once. A file that has changed or gone meanwhile, as a running container's may, is equal to none. */
class ContentReader {
  readonly #stack: OpenStack;
  readonly #digests = new Map<Content, string | undefined>();

  constructor(stack: OpenStack) {
    this.#stack = stack;
  }

  beginning(content: Content): string | undefined {
    return content.size <= beginningBytes ? this.digest(content) : this.#read(content, beginningBytes);
  }

  digest(content: Content): string | undefined {
    if (!this.#digests.has(content)) this.#digests.set(content, this.#read(content, content.size));
    return this.#digests.get(content);
  }

  #read({ layer, path, status }: Content, length: number): string | undefined {
    const place = tryOpenBeneath(this.#stack.fds[layer]!, path, openFlags.O_PATH | openFlags.O_NOFOLLOW);
    if (place < 0) return undefined;
    try {
      const now = statFd(place);
      if (now.identity !== status.identity || now.mode !== status.mode || now.size !== status.size) return undefined;
      const fd = openSync(procPath(place), 'r');
      try {
        return hashOf(fd, length);
      } finally {
        closeSync(fd);
      }
    } finally {
      closeFd(place);
    }
  }
}

function hashOf(fd: number, length: number): string | undefined {
  const hash = createHash('sha256');
  for (let done = 0; done < length;) {
    const count = readSync(fd, chunk, 0, Math.min(chunk.length, length - done), done);
    if (count === 0) return undefined;
    hash.update(chunk.subarray(0, count));
    done += count;
  }
  return hash.digest('hex');
}
