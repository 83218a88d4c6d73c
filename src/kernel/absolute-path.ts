/**
 * Paths as words, without a look at the file system. node:path does the same, and V8 compiles it anew at each start, which takes a
 * millisecond of those commands that last ten.
 */

/** An absolute path without `.`, `..`, and slashes that say nothing: `/a//b/../c/` is `/a/c`. What is relative counts from the root. */
export function cleanPath(path: string): string {
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}

/** A path as an absolute one, clean; a relative one is of the working directory. */
export const absolutePath = (path: string): string => cleanPath(path.startsWith('/') ? path : `${process.cwd()}/${path}`);

/** The directory that an absolute, clean path is in; the root's is the root. */
export const parentPath = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
