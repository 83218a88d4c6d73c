/** Making a directory with those above it. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes it, and what is missing above it. Not by mkdir's `recursive`, which tries for ever where the kernel says that nothing can be made,
 * as below /proc.
 * @param mode of those that are made
 * @throws NodeJS.ErrnoException
 */
export function makeDirectory(path: string, mode: number): void {
  const whole = resolve(path);
  if (statSync(whole, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(whole) !== whole) makeDirectory(dirname(whole), mode);
  try {
    mkdirSync(whole, { mode });
  } catch (error) {
    // Somebody else was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(whole).isDirectory()) throw error;
  }
}
