/** What a process has in its memory. See proc_pid_mem(5), proc_pid_maps(5). */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { attempt } from '../../kernel/attempt.ts';
import type { LabProcess } from '../../lab/processes.ts';

/** What is read at once, in bytes. */
const piece = 8 * 2 ** 20;

/** Whether bytes are in one of its large mappings that no file lies behind: where a virtual machine has its memory. @param least size of a mapping */
export function hasInMemory({ pid }: Pick<LabProcess, 'pid'>, bytes: Buffer, least: number): boolean {
  const maps = attempt(() => readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? '';
  const fd = attempt(() => openSync(`/proc/${pid}/mem`, 'r'));
  if (fd === undefined) return false;
  try {
    const buffer = Buffer.alloc(piece);
    for (const line of maps.split('\n')) {
      const [, from = '', to = '', inode] = /^([0-9a-f]+)-([0-9a-f]+) rw\S* \S+ \S+ (\d+)/.exec(line) ?? [];
      const [start, end] = [Number.parseInt(from, 16), Number.parseInt(to, 16)];
      if (inode !== '0' || !(end - start >= least)) continue;
      // Overlapping, so that what lies across two pieces is found.
      for (let at = start; at < end; at += piece - bytes.length) {
        const length = attempt(() => readSync(fd, buffer, 0, Math.min(piece, end - at), at)) ?? 0;
        if (buffer.subarray(0, length).includes(bytes)) return true;
      }
    }
    return false;
  } finally {
    closeSync(fd);
  }
}
