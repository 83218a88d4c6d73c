/**
 * Files as a process of the lab sees them, from its own root directory. Everything there is the learner's, so a path is resolved beneath
 * that root by the kernel (openat2(2), RESOLVE_IN_ROOT): no link leads to a file of the machine.
 */
import { readSync } from 'node:fs';
import { call } from '../../kernel/call.ts';
import { closeFd, readDirectory, S_IFCHR, S_IFMT, S_IFREG, statFd, toBytes, toText, tryOpenInRoot, type FileStatus } from '../../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { performNow } from '../../kernel/perform.ts';
import { getXattr } from '../../kernel/xattr.ts';
import type { LabProcess } from '../../lab/processes.ts';

type Of = Pick<LabProcess, 'pid'>;

/** As much of a file as is read. */
const mostBytes = 64 * 1024;

/** Opens a file beneath a process's root, and gives what is made of it; undefined where there is none, or the process is gone. */
function withFile<R>({ pid }: Of, path: string, flags: number, use: (fd: number) => R): R | undefined {
  const root = performNow(call('openat', [AT_FDCWD, `/proc/${pid}/root`, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0]));
  if (root < 0) return undefined;
  const fd = tryOpenInRoot(root, toBytes(path.replace(/^\/+/, '')), flags);
  closeFd(root);
  if (fd < 0) return undefined;
  try {
    return use(fd);
  } finally {
    closeFd(fd);
  }
}

/** A file's status; a link at the end is not followed. */
export const statusOf = (process: Of, path: string): FileStatus | undefined => withFile(process, path, openFlags.O_PATH | openFlags.O_NOFOLLOW, statFd);

/** Whether a file is a certain character device, such as 1:3, the null device. */
export function isDevice(process: Of, path: string, major: number, minor: number): boolean {
  const status = statusOf(process, path);
  return status !== undefined && (status.mode & S_IFMT) === S_IFCHR && status.major === major && status.minor === minor;
}

/** A plain file's text, its first 64 KiB; undefined for anything else. */
export function textOf(process: Of, path: string): string | undefined {
  return withFile(process, path, openFlags.O_NONBLOCK, (fd) => {
    if ((statFd(fd).mode & S_IFMT) !== S_IFREG) return undefined;
    const bytes = Buffer.alloc(mostBytes);
    return bytes.subarray(0, readSync(fd, bytes)).toString('utf8');
  });
}

/** The names in a directory; undefined for anything else. */
export const namesIn = (process: Of, path: string): readonly string[] | undefined =>
  withFile(process, path, openFlags.O_DIRECTORY, (fd) => readDirectory(fd).map(({ name }) => toText(name)));

/** An extended attribute of a file, as text. */
export const attributeOf = (process: Of, path: string, name: string): string | undefined =>
  withFile(process, path, openFlags.O_NONBLOCK, (fd) => getXattr(fd, toBytes(name))?.toString('latin1'));
