/**
 * What a learner answered: /run/lab/answer in the lab. All that is in a lab is the learner's, so the file is looked for beneath the lab's
 * root (openat2(2)), is no link, FIFO or device, and no more of it is read than an answer has.
 */
import { readSync } from 'node:fs';
import { call } from '../kernel/call.ts';
import { closeFd, S_IFMT, S_IFREG, statFd, toBytes, tryOpenInRoot } from '../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../kernel/flags.ts';
import { performNow } from '../kernel/perform.ts';
import type { Lab } from '../lab/lab.ts';

const mostBytes = 4096;

/** @returns the answer without spaces around it; undefined where there is none */
export function readAnswer({ pid }: Pick<Lab, 'pid'>): string | undefined {
  const root = performNow(call('openat', [AT_FDCWD, `/proc/${pid}/root`, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0]));
  if (root < 0) return undefined;
  const fd = tryOpenInRoot(root, toBytes('run/lab/answer'), openFlags.O_NOFOLLOW | openFlags.O_NONBLOCK | openFlags.O_CLOEXEC);
  closeFd(root);
  if (fd < 0) return undefined;
  try {
    if ((statFd(fd).mode & S_IFMT) !== S_IFREG) return undefined;
    const bytes = Buffer.alloc(mostBytes);
    return bytes.subarray(0, readSync(fd, bytes)).toString('utf8').trim();
  } finally {
    closeFd(fd);
  }
}
