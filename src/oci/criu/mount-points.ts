/** The places in a root file system at which criu(8) mounts what a container has from outside: those that a fresh copy of it lacks. */
import { closeFd, S_IFREG, toBytes, tryMakeDirectoryAt, tryMakeNodeAt, tryOpenInRoot } from '../../kernel/file-at.ts';
import { errno, KernelError } from '../../kernel/errno.ts';
import { openFlags } from '../../kernel/flags.ts';

/**
 * Makes a mount point, and the directories to it. No symbolic link leads out of the root.
 * @param root a descriptor of the root
 * @param isDirectory what is mounted there is one
 * @throws KernelError
 */
export function makeMountPoint(root: number, destination: string, isDirectory: boolean): void {
  const names = destination.split('/').filter((name) => name !== '' && name !== '.');
  for (const [i, name] of names.entries()) {
    const path = names.slice(0, i + 1).join('/');
    const there = tryOpenInRoot(root, toBytes(path), openFlags.O_PATH);
    if (there >= 0) {
      closeFd(there);
      continue;
    }
    if (there !== -errno.ENOENT) throw new KernelError(`open of the mount point ${destination}`, -there);
    const parent = tryOpenInRoot(root, toBytes(names.slice(0, i).join('/')), openFlags.O_PATH | openFlags.O_DIRECTORY);
    if (parent < 0) throw new KernelError(`open of the mount point ${destination}`, -parent);
    const last = i === names.length - 1;
    const made = last && !isDirectory ? tryMakeNodeAt(parent, toBytes(name), S_IFREG | 0o644, 0, 0) : tryMakeDirectoryAt(parent, toBytes(name), 0o755);
    closeFd(parent);
    if (made < 0) throw new KernelError(`making of the mount point ${destination}`, -made);
  }
}
