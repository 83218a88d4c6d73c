/**
 * Files that are whole or not there: written beside their place, flushed, and renamed into it (rename(2)), so that no
 * reader, and no crash, ever meets half a file. Reading is bounded: a file that grew wild cannot fill the memory.
 */
import { closeSync, fstatSync, openSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { StorageError } from './error.ts';

/** Temporary files end so; what is found with this ending when a store opens is a crash's leftover. */
export const temporarySuffix = '.tmp';

let counter = 0;
const temporaryBeside = (path: string): string => join(dirname(path), `.${basename(path)}.${process.pid}-${++counter}${temporarySuffix}`);

/**
 * Replaces a file so that it survives a power failure: the bytes and the directory are flushed.
 * @param mode permission bits, 0600 unless told
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Flushes the names in a directory: without it a rename may be lost in a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * Replaces a file at once, for state that is written on a hot path: whole for every reader and after a crash of the
 * engine, but not flushed, so a power failure may lose it.
 */
export function replaceFile(path: string, data: string | Uint8Array, mode = 0o600): void {
  const temporary = temporaryBeside(path);
  try {
    writeFileSync(temporary, data, { mode, flag: 'wx' });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** JSON as a person reads it: two spaces, a newline at the end. */
export const readableJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/**
 * The bytes of a file of at most `limit` bytes.
 * @throws StorageError (invalid) when it is larger; the error of open(2) when it cannot be opened
 */
export function readBounded(path: string, limit: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    return readBoundedFd(fd, limit, path);
  } finally {
    closeSync(fd);
  }
}

/** As {@link readBounded}, of an open file; `name` is what messages call it. */
function readBoundedFd(fd: number, limit: number, name: string): Buffer {
  const status = fstatSync(fd);
  if (!status.isFile()) throw new StorageError('invalid', `${name} is not a regular file`);
  if (status.size > limit) throw new StorageError('invalid', `${name} has ${status.size} bytes; at most ${limit} are read`);
  return readRange(fd, 0, status.size);
}

/** The bytes of an open file from `offset`, at most `length`: fewer where the file ends before. */
export function readRange(fd: number, offset: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, bytes, filled, length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/**
 * Parses JSON of at most `limit` bytes from a file.
 * @throws StorageError (invalid) when it is larger or no JSON
 */
export function readJson(path: string, limit: number): unknown {
  return parseJson(readBounded(path, limit), path);
}

/** @param name what messages call it */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new StorageError('invalid', `${name} is not valid JSON: ${(error as Error).message}`, error);
  }
}
