/**
 * Removes directory trees made by containers and archives: as deep, as large and as oddly named as they like.
 * Every directory is first moved to the top, so no path is ever long, no recursion deep, and nothing is followed:
 * a symbolic link is unlinked, and a mount point refuses to be moved (rename(2): EBUSY), so that nobody's mounted
 * files are removed by mistake.
 */
import { lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, unlinkSync } from 'node:fs';
import { temporarySuffix } from './atomic.ts';

let counter = 0;

/**
 * Removes `path`; it disappears from its place at the first step. Yields after each entry, so the caller
 * can stop and let {@link removeTree} go on with what is left: the generator's `rest`.
 * @returns generator and the path under which the rest lies; undefined when nothing is left to do
 */
export function removal(path: string): { readonly steps: Generator<void>; readonly rest: string } | undefined {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status) return undefined;
  if (!status.isDirectory()) {
    unlinkSync(path);
    return undefined;
  }
  const trash = `${path}.${process.pid}-${++counter}${temporarySuffix}`;
  mkdirSync(trash, { mode: 0o700 });
  try {
    renameSync(path, `${trash}/0`);
  } catch (error) {
    rmdirSync(trash);
    throw error;
  }
  return { steps: empty(trash), rest: trash };
}

/** Removes a file, or a directory and all that is in it, now. Nothing there is no error. */
export function removeTree(path: string): void {
  const work = removal(path);
  if (work) for (const _ of work.steps);
}

/** Empties `trash`, which holds one directory named `0`, and removes it. */
function* empty(trash: string): Generator<void> {
  let last = 0;
  for (let current = 0; current <= last; current++) {
    const directory = Buffer.from(`${trash}/${current}/`);
    for (const entry of readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })) {
      const child = Buffer.concat([directory, entry.name]);
      if (entry.isDirectory()) removeOrMove(child, () => `${trash}/${++last}`);
      else unlinkSync(child);
      yield;
    }
    rmdirSync(directory);
  }
  rmdirSync(trash);
}

function removeOrMove(directory: Buffer, place: () => string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    renameSync(directory, place());
  }
}
