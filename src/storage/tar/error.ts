/** The error of a broken or hostile archive. */
import { toText, type ByteString } from '../../kernel/file-at.ts';
import { StorageError } from '../error.ts';

/** Where in an archive a reader is. */
export interface TarPosition {
  /** Bytes from the beginning of the (uncompressed) archive to the header in question. */
  readonly offset: number;
  /** Counts from 1. */
  readonly entry: number;
  /** The path of that entry, or of the last one before it that could be read. */
  readonly path: ByteString;
}

/** `the tar archive is bad at byte 1024 (entry 3, "etc/passwd"): its checksum is wrong`. */
export function tarError(position: TarPosition, why: string): StorageError {
  const name = position.path ? `, ${quotePath(position.path)}` : '';
  return new StorageError('invalid', `the tar archive is bad at byte ${position.offset} (entry ${position.entry}${name}): ${why}`);
}

/** A path for a message: readable, control characters escaped, long ones cut. */
export function quotePath(path: ByteString): string {
  return JSON.stringify(toText(path.length > 200 ? `${path.slice(0, 200)}…` : path));
}
