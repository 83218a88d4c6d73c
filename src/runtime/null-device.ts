/** The host's null device, open: descriptors 0 to 2 of a monitor, and a container's standard input where nobody gives it one. */
import { closeSync } from 'node:fs';
import { call } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { AT_FDCWD, mountAttrs, openFlags } from '../kernel/flags.ts';
import { must } from '../kernel/perform.ts';
import { cloneTree, setAttributes } from './rootfs/mount-steps.ts';

let nullFd: number | undefined;

/**
 * Opens it, once: through a read-only mount of its own, since a container's root could else change its owner and mode by /proc/self/fd/0.
 */
export function nullDevice(): number {
  if (nullFd !== undefined) return nullFd;
  // Who may make no mount has no power over the device either, nor over a container's root: there the device itself does no harm.
  const tree = must({ ...cloneTree('/dev/null', false), accept: [errno.EPERM] });
  if (tree < 0) return (nullFd = must(call('openat', [AT_FDCWD, '/dev/null', openFlags.O_RDWR | openFlags.O_CLOEXEC, 0])));
  must(setAttributes(tree, { set: mountAttrs.MOUNT_ATTR_RDONLY }));
  nullFd = must(call('openat', [AT_FDCWD, `/proc/self/fd/${tree}`, openFlags.O_RDWR | openFlags.O_CLOEXEC, 0]));
  closeSync(tree);
  return nullFd;
}
