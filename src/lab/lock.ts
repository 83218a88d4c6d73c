/** One at a time: a lab is started, reset and stopped under a lock, which ends with its holder. See flock(2). */
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { call } from '../kernel/call.ts';
import { flockOperations } from '../kernel/flags.ts';
import { makeDirectory } from '../kernel/make-directory.ts';
import { must } from '../kernel/perform.ts';
import { LabError } from './error.ts';

/**
 * Waits for the lock of a name, and has it until it is disposed of.
 * @param directory is made where it is missing
 * @throws LabError where this user may not write there
 */
export function lockFile(directory: string, name: string): Disposable {
  const path = join(directory, `.${name}.lock`);
  let fd: number;
  try {
    makeDirectory(directory, 0o711);
    fd = openSync(path, 'a', 0o600);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new LabError(`${path} cannot be written (${code}): have HAKO_RUN name a directory of yours, or run hako as whose the lab is`);
  }
  must(call('flock', [fd, flockOperations.LOCK_EX]));
  return { [Symbol.dispose]: () => closeSync(fd) };
}

/** Takes the file of a lock away whose name nobody else will ever use: of a lab that has ended for good. */
export const forgetLock = (directory: string, name: string): void => rmSync(join(directory, `.${name}.lock`), { force: true });
