/**
 * Writes a tar stream that comes out of a container into the client's file system. The archive is hostile: no entry
 * may reach outside the destination, neither by its name nor through a symbolic link that is there or that it made.
 */
import {
  chmodSync,
  closeSync,
  constants,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { CommandError } from './command.ts';
import type { TarEntry } from './tar-header.ts';
import { readTar } from './tar-read.ts';
import { complain } from './terminal-text.ts';

export interface ExtractOptions {
  /**
   * What stands in the destination for the archive's topmost name: another name, or `.` to put the contents of the
   * topmost directory there. Absent: the archive has no topmost directory.
   */
  readonly top?: string;
  /** Keep owners, and set-id bits; otherwise the files are the caller's. */
  readonly owners: boolean;
}

/**
 * @param destination an existing directory
 * @returns the bytes of data written
 * @throws CommandError when an entry would leave the destination, or cannot be written
 */
export async function extractTree(stream: Readable, destination: string, options: ExtractOptions): Promise<number> {
  const directories: { path: string; entry: TarEntry }[] = [];
  const safe = new Set<string>();
  let bytes = 0;
  for await (const { entry, data } of readTar(stream)) {
    const name = targetName(entry.name, options.top);
    const path = join(destination, name);
    try {
      checkParents(destination, name, safe);
      if (entry.type === 'directory') {
        if (name !== '.') makeDirectory(path);
        if (name !== '.' || options.top !== '.') directories.push({ path, entry });
        continue;
      }
      if (name === '.') throw new CommandError('the archive is damaged: its topmost entry is not a directory');
      if (entry.type === 'character' || entry.type === 'block' || entry.type === 'fifo') {
        complain(`left out ${name}: it is a ${entry.type === 'fifo' ? 'FIFO' : `${entry.type} device`}`);
        continue;
      }
      removeOld(path);
      if (entry.type === 'symlink') symlinkSync(entry.linkName, path);
      else if (entry.type === 'link') {
        const target = targetName(entry.linkName, options.top);
        checkParents(destination, target, safe);
        linkSync(join(destination, target), path);
        continue;
      } else bytes += await writeFile(path, data);
      setAttributes(path, entry, options.owners);
    } catch (error) {
      if (error instanceof CommandError) throw error;
      throw new CommandError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`);
    }
  }
  // Only now: a directory may be read-only, and writing into it changes its time.
  for (const { path, entry } of directories.toReversed()) setAttributes(path, entry, options.owners);
  return bytes;
}

/** The name beneath the destination. @throws CommandError when it points out of it */
function targetName(name: string, top: string | undefined): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..') || name.includes('\0')) throw new CommandError(`refused ${JSON.stringify(name)}: the name leads out of the destination`);
  const own = top === undefined ? parts : [...(top === '.' ? [] : [top]), ...parts.slice(1)];
  return own.join('/') || '.';
}

/** Every directory on the way must be one, not a symbolic link. Made where missing. */
function checkParents(destination: string, name: string, safe: Set<string>): void {
  const parents = name.split('/').slice(0, -1);
  for (let i = 1; i <= parents.length; i++) {
    const relative = parents.slice(0, i).join('/');
    if (safe.has(relative)) continue;
    makeDirectory(join(destination, relative));
    safe.add(relative);
  }
}

function makeDirectory(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (!stat) mkdirSync(path, 0o755);
  else if (stat.isSymbolicLink()) throw new CommandError(`refused to write through ${path}: it is a symbolic link`);
  else if (!stat.isDirectory()) throw new CommandError(`cannot write ${path}: there is a file where a directory is to be`);
}

function removeOld(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) throw new CommandError(`cannot overwrite the directory ${path} with a file`);
  if (stat) unlinkSync(path);
}

async function writeFile(path: string, data: AsyncIterable<Buffer>): Promise<number> {
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  let bytes = 0;
  try {
    for await (const chunk of data) {
      for (let at = 0; at < chunk.length;) at += writeSync(file, chunk, at);
      bytes += chunk.length;
    }
  } finally {
    closeSync(file);
  }
  return bytes;
}

/** Set-id bits without the owner that they were for would be given to the caller: they are dropped. */
function setAttributes(path: string, entry: TarEntry, owners: boolean): void {
  if (owners) lchownSync(path, entry.uid, entry.gid);
  if (entry.type !== 'symlink') chmodSync(path, owners ? entry.mode : entry.mode & 0o1777);
  lutimesSync(path, entry.mtime, entry.mtime);
}
