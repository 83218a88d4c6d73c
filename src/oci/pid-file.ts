/** The file that a caller names with --pid-file, from which it learns the process that it is to watch. */
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { because, OciError } from './error.ts';

/** Writes the file, at once: whoever reads it finds all of it. @throws OciError */
export function writePidFile(path: string, pid: number): void {
  const nameAt = path.lastIndexOf('/') + 1;
  const fresh = `${path.slice(0, nameAt)}.${process.pid}-${path.slice(nameAt)}`;
  try {
    // Never through a link: the directory may be one that others write to.
    writeFileSync(fresh, String(pid), { mode: 0o644, flag: 'wx' });
    renameSync(fresh, path);
  } catch (error) {
    // What somebody else has put there is not ours.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') rmSync(fresh, { force: true });
    throw new OciError(`the pid file ${path} cannot be written: ${because(error)}`);
  }
}
