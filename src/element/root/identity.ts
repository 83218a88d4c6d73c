/** Which directory something is, told by a child that is elsewhere: newfstatat(2) into a buffer, and the comparison of it with one of ours. */
import { statSync } from 'node:fs';

/** Room for a struct stat, which on both architectures begins with device and inode; this is the longer of the two. */
export const statBuffer = (): Uint8Array => new Uint8Array(144);

/** Whether a struct stat is of the directory at a path. */
export function isOf(stat: Uint8Array, path: string): boolean {
  const view = new DataView(stat.buffer, stat.byteOffset);
  const { dev, ino } = statSync(path, { bigint: true });
  return view.getBigUint64(0, true) === dev && view.getBigUint64(8, true) === ino;
}
