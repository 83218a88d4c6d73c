/** The numbers of a block device, by which the cgroup files of block I/O name it. See makedev(3), stat(2). */
import { statSync } from 'node:fs';

/** The numbers of the block device at a path; undefined where there is none. */
export function blockDeviceNumbers(path: string): { readonly major: number; readonly minor: number } | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isBlockDevice()) return undefined;
  const { rdev } = stat;
  return { major: (rdev >>> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >>> 12) & 0xfff00) };
}
