/**
 * Where a book is written: first beside its place, so that a book appears there whole or not at all, and an earlier one stays until then.
 * What is there and is no book of ours is never touched. See rename(2).
 */
import { mkdirSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readMountinfo } from '../../kernel/mountinfo.ts';
import { contentsFile, generator, styleFile } from './page.ts';

/** A place where no book can be written; one sentence. */
export class BookError extends Error {
  override readonly name = 'BookError';
}

/** A place, with the directory in which the book grows. */
export interface Place {
  /** The files so far go with it. */
  abandon(): void;
  write(file: string, text: string): void;
  /** Puts the book in its place. @throws BookError */
  finish(): void;
}

/** @throws BookError where something else is there, or nothing can be written */
export function openPlace(directory: string): Place {
  const target = checkedTarget(resolve(directory));
  const sibling = (what: string): string => join(dirname(target), `.${basename(target)}.${what}-${process.pid}`);
  const growing = sibling('new');
  try {
    mkdirSync(growing);
  } catch (error) {
    throw cannot(`nothing can be written in ${dirname(target)}`, error, 'name another directory');
  }
  return {
    abandon: () => rmSync(growing, { recursive: true, force: true }),
    write(file, text) {
      try {
        mkdirSync(dirname(join(growing, file)), { recursive: true });
        writeFileSync(join(growing, file), text);
      } catch (error) {
        throw cannot(`${file} of the book could not be written`, error, 'nothing that was there is changed');
      }
    },
    finish() {
      const aside = sibling('old');
      const isThere = checkedTarget(target) === target && exists(target); // the book took minutes
      try {
        if (isThere) renameSync(target, aside);
        try {
          renameSync(growing, target);
        } catch (error) {
          if (isThere) renameSync(aside, target);
          throw error;
        }
      } catch (error) {
        throw cannot(`the book could not be put at ${directory}`, error, 'name a directory that can be renamed');
      }
      rmSync(aside, { recursive: true, force: true });
    },
  };
}

/** What is to be replaced, without symbolic links. */
function checkedTarget(path: string): string {
  let target: string;
  try {
    target = realpathSync(path);
    if (!statSync(target).isDirectory()) throw new BookError(`${path} is a file: name a directory that does not exist, or is empty`);
  } catch (error) {
    if (error instanceof BookError) throw error;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw cannot(`${path} cannot be looked at`, error, 'name another directory');
    return path;
  }
  if (`${process.cwd()}/`.startsWith(`${target}/`))
    throw new BookError(`${path} is where you are, and would be replaced beneath you: go up one directory, and name it from there`);
  if (readMountinfo().some(({ mountPoint }) => mountPoint === target))
    throw new BookError(`${path} is a mount point, which cannot be replaced: name a directory in it that does not exist`);
  const stranger = strangerIn(target);
  if (stranger !== undefined)
    throw new BookError(`${path} has ${stranger} in it, which is of no earlier book: name a directory that does not exist, or is empty`);
  return target;
}

const exists = (path: string): boolean => {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
};

const ofBook = new Set([contentsFile, styleFile, 'en', 'ja']);
const pageOfBook = /^(en|ja)\/(\d+\.\d+|index|machine)\.html$/;

/** A file that no book of ours has; undefined in an empty directory, or an earlier book. */
function strangerIn(directory: string): string | undefined {
  try {
    const found = readdirSync(directory, { recursive: true, encoding: 'utf8' });
    const isBook =
      found.length === 0 || (found.includes(contentsFile) && readFileSync(join(directory, contentsFile), 'utf8').includes(`content="${generator}"`));
    return isBook ? found.find((name) => !ofBook.has(name) && !pageOfBook.test(name)) : found[0];
  } catch (error) {
    throw cannot(`${directory} cannot be read`, error, 'name another directory');
  }
}

const cannot = (what: string, error: unknown, instead: string): BookError => new BookError(`${what} (${(error as NodeJS.ErrnoException).code}): ${instead}`);
