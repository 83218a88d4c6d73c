/** The size of a directory tree: the bytes of its regular files, each hard-linked file counted once, as Docker counts a container's SizeRw. */
import { lstatSync, opendirSync } from 'node:fs';

/** Bytes under `path`; 0 when it is not there. What disappears while we look is not counted. */
export function treeSize(path: string): number {
  let total = 0;
  const seen = new Set<string>();
  const pending = [Buffer.from(path)];
  for (let directory = pending.pop(); directory; directory = pending.pop()) {
    for (const entry of entriesOf(directory)) {
      const child = Buffer.concat([directory, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) {
        pending.push(child);
        continue;
      }
      const status = lstatSync(child, { throwIfNoEntry: false });
      if (!status || (status.nlink > 1 && seen.has(`${status.dev}:${status.ino}`))) continue;
      if (status.nlink > 1) seen.add(`${status.dev}:${status.ino}`);
      total += status.size;
    }
  }
  return total;
}

function* entriesOf(directory: Buffer): Generator<{ readonly name: Buffer; isDirectory(): boolean }> {
  let handle;
  try {
    // Node's types forget that the buffer encoding gives names as buffers.
    handle = opendirSync(directory, { encoding: 'buffer' as BufferEncoding });
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '')) return;
    throw error;
  }
  try {
    for (let entry = handle.readSync(); entry; entry = handle.readSync()) yield entry as unknown as { name: Buffer; isDirectory(): boolean };
  } finally {
    handle.closeSync();
  }
}
