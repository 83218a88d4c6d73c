/**
 * Which Linux this is: what its calls can do depends on that, and cannot always be asked of them. See uname(2). From procfs where
 * that is there, since node:os takes half a millisecond to load.
 */
import { readFileSync } from 'node:fs';
import { attempt } from './attempt.ts';

/** This kernel's release, such as `6.1.0-13-amd64`. */
export const kernelRelease = (): string =>
  attempt(() => readFileSync('/proc/sys/kernel/osrelease', 'utf8').trimEnd()) ?? process.getBuiltinModule('node:os').release();

/** Whether a kernel is of a version or a later one. @param of its release; this one's by default */
export function kernelAtLeast(major: number, minor: number, of = kernelRelease()): boolean {
  const [itsMajor = 0, itsMinor = 0] = of.split('.').map((part) => Number.parseInt(part, 10));
  return itsMajor > major || (itsMajor === major && itsMinor >= minor);
}
