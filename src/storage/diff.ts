/**
 * What a container changed: its upper directory compared with the layers below, as `docker diff` lists it.
 * Nothing is mounted; file contents are not compared, as a file in the upper directory has been written to.
 */
import { constants, openSync, closeSync } from 'node:fs';
import { closeFd, isDirectory, openAt, readDirectory, statAt, toText, type ByteString, type FileStatus } from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { isOpaque, isWhiteoutAt, type OverlayFamily, ownFamily } from '../kernel/xattr.ts';
import { LayerStack } from './layer-lookup.ts';

/** Docker's kinds: changed 0 (`C`), added 1 (`A`), deleted 2 (`D`). */
export type ChangeKind = 0 | 1 | 2;

/** One changed path. */
export interface Change {
  /** Absolute in the container. */
  readonly path: string;
  /** The same relative to the root, as the file system has it. */
  readonly name: ByteString;
  readonly kind: ChangeKind;
}

/** The letter of a kind, as the command line prints it. */
export const changeLetter = (kind: ChangeKind): 'C' | 'A' | 'D' => (['C', 'A', 'D'] as const)[kind];

/**
 * Lists the changes, sorted by path. The directories above a change are listed as changed; a directory that has none below it
 * and the same owner, mode and time as before is not.
 * @param upper the upper directory of the overlay mount
 * @param lowers the directories of the layers below, the top one first
 * @param family where the overlay keeps its attributes
 * @throws when a directory cannot be read
 */
export function changes(upper: string, lowers: readonly string[], family: OverlayFamily = ownFamily()): Change[] {
  const lower = new LayerStack(lowers, family);
  const fd = openSync(upper, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const found: Change[] = [];
    collect(fd, '', lower, family, found);
    return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  } finally {
    closeSync(fd);
    lower.close();
  }
}

const C = 0;
const A = 1;
const D = 2;

/** Adds the changes in a directory. @param place its path with a slash at the end; empty for the root */
function collect(directory: number, place: ByteString, lower: LayerStack, family: OverlayFamily, found: Change[]): void {
  const add = (path: ByteString, kind: ChangeKind): void => void found.push({ path: toText(`/${path}`), name: path, kind });
  const names = new Set<ByteString>();
  for (const { name } of readDirectory(directory)) {
    const status = statAt(directory, name);
    if (!status) continue;
    names.add(name);
    const path = place + name;
    const before = lower.stat(path);
    if (isWhiteoutAt(directory, name, status, family)) {
      if (before) add(path, D);
      continue;
    }
    const index = found.length;
    if (isDirectory(status)) {
      const fd = openAt(directory, name, openFlags.O_DIRECTORY);
      try {
        collect(fd, `${path}/`, lower, family, found);
      } finally {
        closeFd(fd);
      }
    }
    if (!before) add(path, A);
    else if (!isDirectory(status) || found.length > index || differs(status, before)) add(path, C);
  }
  if (place !== '' && isOpaque(directory, family)) for (const name of lower.list(place.slice(0, -1))) if (!names.has(name)) add(place + name, D);
}

const differs = (a: FileStatus, b: FileStatus): boolean =>
  a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.mtime !== b.mtime || a.mtimeNsec !== b.mtimeNsec;
