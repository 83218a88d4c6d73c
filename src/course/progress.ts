/**
 * How far a learner has come: one file, `learn/progress.json` beneath the engine's data directory. It is written whole or not at all, and
 * reaches the disk before a command ends, so that a loss of power costs nothing. What a newer version has noted in it is kept.
 */
import { closeSync, constants, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { call } from '../kernel/call.ts';
import { flockOperations } from '../kernel/flags.ts';
import { must } from '../kernel/perform.ts';
import { dataDirectory } from '../kernel/user-directories.ts';
import { LessonError, type Facts } from './exercise.ts';

/** One exercise's part. */
export interface Standing {
  /** ISO 8601. */
  readonly passed?: string;
  /** How many hints were shown. */
  readonly hints?: number;
  readonly solutionSeen?: boolean;
  /** Put off by the learner. */
  readonly skipped?: boolean;
  /** Conditions that have been true; those of the kind `once` count for good. */
  readonly wereTrue?: readonly string[];
}

/** The exercise that is being done. */
export interface Current {
  readonly id: string;
  /** The lab in which its scene was set: by process and start time, so that another lab is not taken for it. */
  readonly lab: string;
  /** Milliseconds since 1970. */
  readonly begun: number;
  readonly facts: Facts;
  readonly inventory: readonly string[];
}

export interface Progress {
  readonly version: 1;
  readonly current?: Current | undefined;
  readonly exercises: Readonly<Record<string, Standing>>;
}

const nothing: Progress = { version: 1, exercises: {} };

/** Where it is. */
export const progressPath = (): string => join(dataDirectory(process.env), 'learn', 'progress.json');

/** What was said of a file that could not be read, for the learner; then it was moved aside. */
export interface Read {
  readonly progress: Progress;
  readonly warning: string | undefined;
}

/** Reads it; a damaged file is set aside, by a name that is told. @throws LessonError where it may not be read */
export function readProgress(): Read {
  const path = progressPath();
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { progress: nothing, warning: undefined };
    throw cannot('read', path, error);
  }
  const found = parse(text);
  if (found) return { progress: found, warning: undefined };
  const aside = `${path}.damaged-${Date.now()}`;
  renameSync(path, aside);
  return { progress: nothing, warning: `the progress in ${path} could not be read and was moved to ${aside}: begin again, or mend it and move it back` };
}

function parse(text: string): Progress | undefined {
  try {
    const value = JSON.parse(text) as Progress;
    const isObject = (part: unknown): boolean => typeof part === 'object' && part !== null && !Array.isArray(part);
    if (!isObject(value) || !isObject(value.exercises) || !Object.values(value.exercises).every(isObject)) return undefined;
    if (value.current !== undefined && (!isObject(value.current) || typeof value.current.id !== 'string' || !isObject(value.current.facts))) return undefined;
    return value;
  } catch {
    return undefined;
  }
}

/**
 * Changes it, under a lock: two commands at once do not undo each other.
 * @returns what it is now @throws LessonError where it cannot be written
 */
export function changeProgress(change: (progress: Progress) => Progress): Progress {
  const path = progressPath();
  const directory = join(path, '..');
  let lock: number;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    lock = openSync(join(directory, '.lock'), 'a', 0o600);
  } catch (error) {
    throw cannot('write', path, error);
  }
  try {
    must(call('flock', [lock, flockOperations.LOCK_EX]));
    const changed = change(readProgress().progress);
    const fresh = `${path}.new`;
    writeFileSync(fresh, `${JSON.stringify(changed, undefined, 1)}\n`, { mode: 0o600, flush: true });
    renameSync(fresh, path);
    const fd = openSync(directory, constants.O_RDONLY);
    fsyncSync(fd);
    closeSync(fd);
    return changed;
  } catch (error) {
    throw error instanceof LessonError ? error : cannot('write', path, error);
  } finally {
    closeSync(lock);
  }
}

/** Changes what is noted of one exercise. */
export const changeRecord = (id: string, change: Standing): Progress =>
  changeProgress((progress) => ({ ...progress, exercises: { ...progress.exercises, [id]: { ...progress.exercises[id], ...change } } }));

function cannot(what: string, path: string, error: unknown): LessonError {
  const { code } = error as NodeJS.ErrnoException;
  return new LessonError(`could not ${what} your progress, ${path} (${code}): it is kept beneath HAKO_ROOT, for root /var/lib/hako`);
}
