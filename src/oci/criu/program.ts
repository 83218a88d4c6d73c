/** Finding criu(8) as a shell would: by its path, or in PATH. */
import { accessSync, constants } from 'node:fs';
import { join, resolve } from 'node:path';
import { notRunnable } from './run.ts';

/** @returns the program's path @throws OciError where there is none */
export function findProgram(name: string): string {
  const candidates = name.includes('/')
    ? [resolve(name)]
    : (process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(':').map((directory) => join(directory || '.', name));
  const found = candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (found === undefined) throw notRunnable(name, 'ENOENT');
  return found;
}
