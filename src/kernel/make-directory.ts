/** Making a directory with those above it. */
import { mkdirSync, statSync } from 'node:fs';
import { absolutePath, parentPath } from './absolute-path.ts';

/**
 * Makes it, and what is missing above it. Not by mkdir's `recursive`, which tries for ever where the kernel says that nothing can be made,
 * as below /proc.
 * @param mode of those that are made
 * @throws NodeJS.ErrnoException
 */
export function makeDirectory(path: string, mode: number): void {
  const whole = absolutePath(path);
  if (statSync(whole, { throwIfNoEntry: false })?.isDirectory()) return;
  if (whole !== '/') makeDirectory(parentPath(whole), mode);
  try {
    mkdirSync(whole, { mode });
  } catch (error) {
    // Somebody else was faster.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !statSync(whole).isDirectory()) throw error;
  }
}
