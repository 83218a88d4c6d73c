/** What the engine says about a path inside a container, in the header X-Docker-Container-Path-Stat. */
import { posix } from 'node:path';
import type { IncomingMessage } from 'node:http';
import { ApiError, segment, send } from './client.ts';
import { CommandError } from './command.ts';

export interface PathStat {
  readonly name: string;
  readonly size: number;
  /** Go's os.FileMode. */
  readonly mode: number;
  readonly linkTarget: string;
}

export const isDirectory = ({ mode }: PathStat): boolean => (mode & 0x8000_0000) !== 0;
export const isSymlink = ({ mode }: PathStat): boolean => (mode & 0x0800_0000) !== 0;

export function decodePathStat(response: IncomingMessage): PathStat {
  const header = response.headers['x-docker-container-path-stat'];
  if (typeof header !== 'string') throw new CommandError('the engine does not say what the path is');
  return JSON.parse(Buffer.from(header, 'base64').toString()) as PathStat;
}

/** Asks about a path, not followed where it is a symbolic link; `undefined` when it does not exist. */
export async function statPath(container: string, path: string): Promise<PathStat | undefined> {
  try {
    const response = await send('HEAD', `/containers/${segment(container)}/archive`, { query: { path } });
    response.resume();
    return decodePathStat(response);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

/** Where a symbolic link at `path` points to, as a path of the container's. */
export function linkTarget(path: string, { linkTarget: target }: PathStat): string {
  return posix.isAbsolute(target) ? target : posix.join(posix.dirname(path), target);
}

/** Absolute, as the container's root sees it; a trailing `/` or `/.` stays, since it has a meaning. */
export function containerPath(path: string): string {
  const absolute = posix.normalize(`/${path}`);
  return path.endsWith('/.') && absolute !== '/' ? `${absolute.replace(/\/$/, '')}/.` : absolute;
}
