/** `hako cp SOURCE CONTAINER:DESTINATION`. */
import { lstatSync, statSync, type Stats } from 'node:fs';
import { basename, posix, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { openArchive } from './archive-file.ts';
import { segment, send } from './client.ts';
import { readText } from './engine-socket.ts';
import { CommandError } from './command.ts';
import { containerPath, isDirectory, isSymlink, linkTarget, statPath } from './container-path.ts';
import { packTree } from './tar-pack.ts';

/**
 * @param source a path, or `-` for an archive on stdin
 * @returns the bytes sent
 * @throws CommandError when the two do not fit, as a directory onto a file
 */
export async function copyToContainer(source: string, container: string, destination: string, options: { owners: boolean; follow: boolean }): Promise<number> {
  let path = containerPath(destination).replace(/\/\.$/, '/');
  let target = await statPath(container, path.replace(/(.)\/$/, '$1'));
  if (target && isSymlink(target)) {
    path = linkTarget(path, target);
    target = await statPath(container, path);
  }
  const targetIsDirectory = target !== undefined && isDirectory(target);
  if (source === '-') {
    if (!targetIsDirectory) throw new CommandError(`the destination ${container}:${destination} must be a directory`);
    return put(container, path, openArchive('-'), options.owners);
  }
  const stat = sourceStat(source, options.follow);
  const contentsOnly = /(^|\/)\.$/.test(source) && stat.isDirectory();
  if (target && !targetIsDirectory && stat.isDirectory()) throw new CommandError(`cannot copy a directory to the file ${container}:${destination}`);
  if (targetIsDirectory) {
    const name = contentsOnly ? '.' : basename(resolve(source));
    return put(container, path, packTree(source, name, options), options.owners);
  }
  if (destination.endsWith('/') && !stat.isDirectory()) throw new CommandError(`the destination directory ${container}:${destination} does not exist`);
  const plain = path.replace(/\/+$/, '');
  return put(container, posix.dirname(plain), packTree(source, posix.basename(plain), options), options.owners);
}

function sourceStat(path: string, follow: boolean): Stats {
  try {
    return follow || path.endsWith('/') ? statSync(path) : lstatSync(path);
  } catch (error) {
    throw new CommandError(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

async function put(container: string, path: string, archive: Readable, owners: boolean): Promise<number> {
  let bytes = 0;
  archive.on('data', (chunk: Buffer) => (bytes += chunk.length));
  archive.pause(); // until the request reads it
  const response = await send('PUT', `/containers/${segment(container)}/archive`, {
    query: { path, noOverwriteDirNonDir: true, copyUIDGID: owners },
    upload: archive,
  });
  await readText(response);
  return bytes;
}
