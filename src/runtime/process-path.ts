/**
 * A path as a process sees it, looked at from outside. It is resolved beneath the process's root by descriptor, so that a link of an
 * image's ends inside and never leads to what this machine has under that name. See openat2(2), statx(2), proc_pid_root(5).
 */
import { closeSync, constants, openSync } from 'node:fs';
import { KernelError } from '../kernel/errno.ts';
import { closeFd, fileAttributes, statFd, toBytes, tryOpenInRoot } from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';
import { mountIdOf, readMountinfo, type Mount } from '../kernel/mountinfo.ts';
import { relative } from './rootfs/mount-steps.ts';

/** A path of a process. */
export interface ProcessPath {
  readonly pid: number;
  /** Where what is to be the process's root is attached, before it is the root; empty once it is. */
  readonly root: string;
  readonly path: string;
}

/**
 * Opens a path, as a place only, and looks at it.
 * @param link look at a link itself, where it is one
 * @throws KernelError, or Node's error where the process has ended
 */
export function atPath<T>({ pid, root, path }: ProcessPath, look: (fd: number) => T, link = false): T {
  const opened: number[] = [];
  const open = (within: number, name: string, flags: number): number => {
    const fd = tryOpenInRoot(within, toBytes(relative(name)), openFlags.O_PATH | flags);
    if (fd < 0) throw new KernelError(`openat2 "${name}"`, -fd);
    opened.push(fd);
    return fd;
  };
  const top = openSync(`/proc/${pid}/root`, constants.O_RDONLY | constants.O_DIRECTORY | openFlags.O_PATH);
  try {
    const place = root === '' ? top : open(top, root, openFlags.O_DIRECTORY);
    return look(open(place, path, link ? openFlags.O_NOFOLLOW : 0));
  } finally {
    opened.forEach(closeFd);
    closeSync(top);
  }
}

/** The mount whose root a path is; undefined where nothing is mounted there, or nothing is there. */
export function mountOn(at: ProcessPath): Mount | undefined {
  try {
    const id = atPath(at, (fd) => (statFd(fd).attributes & fileAttributes.STATX_ATTR_MOUNT_ROOT ? mountIdOf(fd) : undefined));
    return id === undefined ? undefined : readMountinfo(at.pid).find((mount) => mount.id === id);
  } catch {
    return undefined;
  }
}
