/** `hako cp CONTAINER:SOURCE DESTINATION`. */
import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { segment, send } from './client.ts';
import { CommandError } from './command.ts';
import { containerPath, decodePathStat, isDirectory, isSymlink, linkTarget, statPath, type PathStat } from './container-path.ts';
import { extractTree } from './tar-extract.ts';

/**
 * @param destination a path, or `-` for an archive on stdout
 * @returns the bytes written; nothing for stdout
 * @throws CommandError when the two do not fit, as a directory onto a file
 */
export async function copyFromContainer(
  container: string,
  source: string,
  destination: string,
  options: { owners: boolean; follow: boolean },
): Promise<number | undefined> {
  let path = containerPath(source);
  if (options.follow) {
    const stat = await statPath(container, path.replace(/\/\.?$/, '') || '/');
    if (stat && isSymlink(stat)) path = linkTarget(path, stat);
  }
  const contentsOnly = path.endsWith('/.');
  const plain = path.replace(/\/\.?$/, '') || '/';
  const response = await send('GET', `/containers/${segment(container)}/archive`, { query: { path: plain } });
  try {
    if (destination === '-') {
      await pipeline(response, process.stdout, { end: false });
      return undefined;
    }
    const place = destinationOf(destination, decodePathStat(response), plain, contentsOnly);
    return await extractTree(response, place.directory, { owners: options.owners, ...(place.top !== undefined && { top: place.top }) });
  } finally {
    response.destroy();
  }
}

/** The directory to extract in, and what the topmost entry is called there. */
function destinationOf(destination: string, source: PathStat, path: string, contentsOnly: boolean): { directory: string; top?: string } {
  const target = statSync(destination, { throwIfNoEntry: false });
  if (target?.isDirectory()) {
    if (path === '/') return { directory: destination };
    return { directory: destination, top: contentsOnly ? '.' : basename(path) };
  }
  if (target && isDirectory(source)) throw new CommandError(`cannot copy a directory to the file ${destination}`);
  if (!isDirectory(source) && destination.endsWith('/')) throw new CommandError(`the destination directory ${destination} does not exist`);
  const directory = dirname(destination.replace(/\/+$/, ''));
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) throw new CommandError(`the directory ${directory} does not exist`);
  if (path === '/')
    throw new CommandError(`the destination directory ${destination} does not exist`, { hint: 'Make it first to copy a whole file system into it.' });
  return { directory, top: basename(destination) };
}
