/**
 * `hako overlay changes`: what a writable layer holds, and what it cost. The first write to a file of a layer below copies all of it up,
 * so that one byte can cost 300 MB; a file that was made anew in the place of another was not copied, only stored twice.
 * OverlayFS tells the two apart itself: what it copied up has the attribute `origin`. See overlayfs.rst, "Non-directories".
 */
import { closeSync, openSync } from 'node:fs';
import { closeFd, isDirectory, procPath, S_IFMT, S_IFREG, statFd, tryOpenBeneath, type ByteString, type FileStatus } from '../../kernel/file-at.ts';
import { openFlags } from '../../kernel/flags.ts';
import { getOverlayXattr, isOpaque } from '../../kernel/xattr.ts';
import { changes as differences, type Change } from '../../storage/diff.ts';
import { LayerStack } from '../../storage/layer-lookup.ts';
import { ElementError } from '../interpret.ts';
import { differingBytes } from './difference.ts';
import { Origins } from './origins.ts';
import type { OpenStack } from './stack.ts';
import { absolute, timeText, typeName } from './which.ts';

/** One path of the writable layer. */
export interface ChangedFile {
  readonly path: string;
  /**
   * `copied up`: it was written to, or its attributes were. `moved`: the same, under another name than below. `replaced`: made anew in
   * the place of one below; also copied up from one with several names, of which OverlayFS notes nothing. `added`, `deleted`. `attributes`: a directory with another owner or mode than below.
   */
  readonly kind: 'copied up' | 'moved' | 'replaced' | 'added' | 'deleted' | 'attributes';
  /** As ls(1) names it; of what was deleted, the type it had. */
  readonly type: string;
  /** The layer that has, or had, it below. */
  readonly from?: string;
  /** Its path there, where that is another. */
  readonly movedFrom?: string;
  /** Another name of the same file, by which its sizes are told. */
  readonly linkOf?: string;
  /** Bytes that the copy-up copied; holes are not, and a file whose attributes alone were copied costs none. */
  readonly copiedBytes?: number;
  /** Bytes that differ from the file below, and those it is longer or shorter by; absent where it was not compared. */
  readonly changedBytes?: number;
  /** Bytes, now; absent of what was deleted. */
  readonly size?: number;
  /** Bytes on the disk, now. */
  readonly allocated?: number;
  /** When it came to be in this layer, RFC 3339; absent where the file system does not know. */
  readonly at?: string;
  /** Nothing of what the layers below have in this directory is seen. */
  readonly opaque?: true;
}

/** How much of files may be read to be compared, in bytes, in all. */
export interface CompareBudget {
  left: number;
}

/**
 * What the writable layer, the top one of a stack, holds; the most expensive first.
 * @throws ElementError when the stack has no layer below it
 */
export function changedFiles(stack: OpenStack, budget: CompareBudget): ChangedFile[] {
  const [top, ...lowers] = stack.layers;
  if (lowers.length === 0)
    throw new ElementError(`${stack.of} is one layer, and what it changed is seen only against those below: name them as ./upper:./lower`);
  const paths = lowers.map(({ directory }) => directory);
  const lower = new LayerStack(paths, stack.family);
  const context: Context = { stack, lower, budget, origins: new Origins(stack), identities: new Map() };
  try {
    const all = differences(top!.directory, paths, stack.family).flatMap((change) => examine(change, context));
    return linksOnce(all, context.identities).sort((a, b) => cost(b) - cost(a) || (a.path < b.path ? -1 : 1));
  } finally {
    lower.close();
  }
}

const cost = ({ copiedBytes, size }: ChangedFile): number => copiedBytes ?? size ?? 0;

interface Context {
  readonly stack: OpenStack;
  readonly lower: LayerStack;
  readonly budget: CompareBudget;
  readonly origins: Origins;
  /** Of files with several names. */
  readonly identities: Map<ChangedFile, string>;
}

/** A file with several names was copied once: under the name that it has below, if that is among them. */
function linksOnce(all: readonly ChangedFile[], identities: ReadonlyMap<ChangedFile, string>): ChangedFile[] {
  const first = new Map<string, ChangedFile>();
  for (const kind of ['copied up', 'moved', 'replaced', 'added'] as const) {
    for (const [file, identity] of identities) if (file.kind === kind && !first.has(identity)) first.set(identity, file);
  }
  return all.map((file) => {
    const other = first.get(identities.get(file) ?? '');
    if (!other || other === file) return file;
    const { path, type, at, from } = file;
    return {
      path,
      kind: file.kind === 'moved' ? 'added' : file.kind,
      type,
      ...(from && file.kind !== 'moved' ? { from } : {}),
      ...(at ? { at } : {}),
      linkOf: other.path,
    };
  });
}

/** One change in full; none for a directory that is only on the way to others. */
function examine({ path, name, kind }: Change, context: Context): ChangedFile[] {
  const { stack, lower } = context;
  const below = lower.find(name, ({ status, layer }) => ({ status, layer }));
  const from = below && { from: stack.layers[below.layer + 1]!.name };
  if (kind === 2) return [{ path, kind: 'deleted', type: below ? typeName(below.status) : 'file', ...from }];
  const fd = tryOpenBeneath(stack.fds[0]!, name, openFlags.O_PATH | openFlags.O_NOFOLLOW);
  if (fd < 0) return []; // gone meanwhile: the container runs
  try {
    const status = statFd(fd);
    const facts = { path, type: typeName(status), ...from, ...(status.born === undefined ? {} : { at: timeText(status.born) }) };
    if (isDirectory(status)) {
      const opaque = below && isOpaque(fd, stack.family) ? { opaque: true as const } : {};
      if (!below || !isDirectory(below.status)) return [{ ...facts, kind: below ? 'replaced' : 'added' }];
      const same = status.mode === below.status.mode && status.uid === below.status.uid && status.gid === below.status.gid;
      return same && !opaque.opaque ? [] : [{ ...facts, kind: opaque.opaque ? 'replaced' : 'attributes', ...opaque }];
    }
    const file: ChangedFile = { ...facts, ...fileOf(fd, name, status, below?.status, context), size: status.size, allocated: status.allocated };
    if (status.nlink > 1) context.identities.set(file, status.identity);
    return [file];
  } finally {
    closeFd(fd);
  }
}

type FileCost = Pick<ChangedFile, 'kind' | 'copiedBytes' | 'changedBytes' | 'movedFrom' | 'from'>;

function fileOf(fd: number, name: ByteString, status: FileStatus, below: FileStatus | undefined, context: Context): FileCost {
  const { stack, origins, lower, budget } = context;
  const origin = getOverlayXattr(fd, 'origin', stack.family);
  if (origin === undefined) return { kind: below ? 'replaced' : 'added' };
  const identity = origins.identity(origin);
  // A name that is below too, but of another file: what was copied up came here from another name.
  const moved = below === undefined || (identity !== undefined && identity !== below.identity);
  const source = moved && identity !== undefined ? origins.find(identity) : undefined;
  const original = moved ? source?.status : below;
  const regular = (status.mode & S_IFMT) === S_IFREG;
  const copiedBytes = regular && !getOverlayXattr(fd, 'metacopy', stack.family) ? dataBytes(original ?? status) : 0;
  const open = (use: (other: number) => number): number | undefined => (source ? origins.open(source, use) : lower.find(name, (found) => use(found.fd)));
  const changedBytes = copiedBytes > 0 && original ? compare(fd, status, original, budget, open) : undefined;
  return {
    kind: moved ? 'moved' : 'copied up',
    ...(source ? { from: stack.layers[source.layer]!.name, movedFrom: absolute(source.path) } : {}),
    copiedBytes,
    ...(changedBytes === undefined ? {} : { changedBytes }),
  };
}

/** What is copied of a file: not its holes. A small file may lie in its inode, and take no room. */
const dataBytes = ({ size, allocated }: FileStatus): number => (allocated === 0 ? size : Math.min(size, allocated));

/** Compares two files, if the budget allows to read them. @param openOther gives the other one's O_PATH descriptor */
function compare(
  fd: number,
  status: FileStatus,
  other: FileStatus,
  budget: CompareBudget,
  openOther: (use: (fd: number) => number) => number | undefined,
): number | undefined {
  const common = Math.min(status.size, other.size);
  if (budget.left < common) return undefined;
  budget.left -= common;
  return openOther((otherPath) => {
    const [one, two] = [openSync(procPath(fd), 'r'), openSync(procPath(otherPath), 'r')];
    try {
      return differingBytes(one, two, common) + Math.abs(status.size - other.size);
    } finally {
      closeSync(one);
      closeSync(two);
    }
  });
}
