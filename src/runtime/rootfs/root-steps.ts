/**
 * How the new process comes to its root: its mount namespace is cut off from the host's, the root attached, and made the root in one of
 * three ways. See mount_namespaces(7), pivot_root(2), chroot(2), runtime-spec config-linux.md "Rootfs Mount Propagation".
 */
import { call, result, type Arg } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import { AT_FDCWD, mountAttrs, mountFlags, moveMountFlags, umountFlags } from '../../kernel/flags.ts';
import { readMountinfo } from '../../kernel/mountinfo.ts';
import { word } from '../../step/shell.ts';
import type { Step } from '../../step/step.ts';
import { lookAtMount, makeFilesystem, setAttributes } from './mount-steps.ts';
import type { Propagation } from '../spec.ts';

/** A propagation without the `r`, which says that it goes for what is mounted beneath too. */
const kindOf = (propagation: Propagation): 'private' | 'slave' | 'shared' | 'unbindable' => propagation.replace(/^r/, '') as 'private';

/** How the mounts of the host are cut off for it: what is shared in the end is the host's slave before. */
export const cutOff = (propagation: Propagation): 'private' | 'slave' =>
  propagation.endsWith('private') || propagation.endsWith('unbindable') ? 'private' : 'slave';

/** Keeps mounts made here from the host, and the host's from here (or lets the host's come in, for `slave`). */
export function propagationStep(propagation: Propagation): Step {
  const name = cutOff(propagation);
  const flag = name === 'private' ? mountFlags.MS_PRIVATE : mountFlags.MS_SLAVE;
  return {
    id: 'mount.propagation',
    what: name === 'private' ? "Cut this mount namespace off from the host's" : "Let the host's mounts come into this mount namespace, but none go out",
    calls: [call('mount', [null, '/', null, mountFlags.MS_REC | flag, null])],
    shell: `mount --make-r${name} /`,
    look: 'cat /proc/$PID/mountinfo',
  };
}

/**
 * Goes to where the root will be attached: done by who clones the process, which takes the directory over with the copy of the mount
 * namespace. By the path it could be out of reach: it is the container's root, who has no ids yet, that may search a user's storage.
 */
export function rootPlaceStep(target: string): Step {
  return {
    id: 'mount.root-place',
    what: `Go to ${target}, where the root will be attached`,
    calls: [call('chdir', [target])],
    shell: `cd ${word(target)}`,
    look: `ls -la ${word(target)}`,
  };
}

/**
 * Attaches the stacked root in the new mount namespace.
 * @param target a path; absent: the working directory
 * @param inUserNamespace mounts that a shell's process has from outside are locked there, and it needs one of its own
 */
export function attachRootStep(root: Arg, target: string | undefined, inUserNamespace: boolean): Step {
  const { MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH } = moveMountFlags;
  const flags = MOVE_MOUNT_F_EMPTY_PATH | (target === undefined ? MOVE_MOUNT_T_EMPTY_PATH : 0);
  return {
    id: 'mount.root',
    what: target === undefined ? 'Attach the root here' : `Attach the root at ${target}`,
    calls: [call('move_mount', [root, '', AT_FDCWD, target ?? '', flags]), call('fchdir', [root])],
    shell: `${inUserNamespace ? 'attach "$ROOT" "$ROOT"\n' : ''}cd "$ROOT"`,
    // By its kind: where it is, the next steps change.
    look: "grep -F ' - overlay ' /proc/$PID/mountinfo",
  };
}

/**
 * Makes the root the root: pivot_root(".", ".") puts the old root on top of the new one, and the unmount takes it away,
 * so that no directory for the old root is needed. The working directory is the new root's before and after.
 */
export function pivotStep(root: Arg): Step {
  return {
    id: 'mount.pivot',
    what: 'Make it the root, and let go of the old one',
    calls: [call('fchdir', [root]), call('pivot_root', ['.', '.']), call('umount2', ['.', umountFlags.MNT_DETACH]), call('chdir', ['/'])],
    // The old root lies on the new one, and `/..` leads to what lies on the root. The working directory stays among the tools.
    shell: `cd "$TMP"/tools\npivot_root "$ROOT" "$ROOT"\nhost='./ld.so --library-path . ./'\n\${host}umount --no-canonicalize --lazy /..`,
    // The kernel moves the root of every process of the mount namespace that has the old one.
    hand: `nsenter -t $PID -a sh -c 'cd "$1" && pivot_root . . && umount -l .' - "$ROOT"`,
    look: 'ls -l /proc/$PID/root; cat /proc/$PID/mountinfo',
  };
}

/** Makes the root read-only; what is mounted in it stays as it is. */
export function readOnlyRootStep(root: Arg): Step {
  return {
    id: 'mount.read-only-root',
    what: 'Make the root read-only',
    calls: [setAttributes(root, { set: mountAttrs.MOUNT_ATTR_RDONLY })],
    shell: '${host}mount -o remount,bind,ro /',
    get look() {
      return lookAtMount('/');
    },
  };
}

/** Cuts a root that is a directory of the host's off, with what is mounted in it, before anything is mounted there: in the host nothing of that is to be seen. */
export function isolateRootStep(root: Arg, propagation: Propagation): Step {
  const name = cutOff(propagation);
  return {
    id: 'mount.root-propagation',
    what: name === 'private' ? 'Cut the root off from the directory that it is on the host' : "Let the host's mounts come into the root, but none go out",
    calls: [setAttributes(root, { propagation: name === 'private' ? mountFlags.MS_PRIVATE : mountFlags.MS_SLAVE }, true)],
    shell: `mount --make-r${name} "$ROOT"`,
    get look() {
      return lookAtMount('/');
    },
  };
}

/** Lets mounts in the root go on to others, or the root be bound nowhere: a propagation that only the finished root can have. Undefined for others. */
export function rootPropagationStep(propagation: Propagation | undefined): Step | undefined {
  const name = propagation && kindOf(propagation);
  if (name !== 'shared' && name !== 'unbindable') return undefined;
  const flag = name === 'shared' ? mountFlags.MS_SHARED : mountFlags.MS_UNBINDABLE;
  return {
    id: 'mount.root-propagation',
    what: name === 'shared' ? 'Have the mounts in the root go on to who takes it from here' : 'Let the root be bound nowhere',
    calls: [call('mount', [null, '/', null, flag | (propagation!.startsWith('r') ? mountFlags.MS_REC : 0), null])],
    shell: `\${host}mount --make-${propagation} /`,
    look: lookAtMount('/'),
  };
}

/**
 * Makes the root the root without pivot_root(2), which refuses where the host's own root is the initial ramfs: the root is moved over the
 * old one, which stays beneath. A chroot can be left by who may call chroot(2), so the host's own procfs and sysfs, whole as they are,
 * go first: only where such a one is to be seen may a user namespace mount another.
 * @param target where the root is attached
 */
export function moveRootStep(root: Arg, target: string, inUserNamespace: boolean): Step {
  const whole = readMountinfo()
    .filter(({ type, root: at, mountPoint }) => at === '/' && (type === 'proc' || type === 'sysfs') && !`${mountPoint}/`.startsWith(`${target}/`))
    .map(({ mountPoint }) => mountPoint);
  const paths = [...new Set(whole)].filter((path) => !whole.some((above) => path !== above && path.startsWith(`${above}/`)));
  const hide = paths.flatMap((path) => {
    // What came from a namespace with more power is locked, and can only be covered.
    if (!inUserNamespace) return [call('umount2', [path, umountFlags.MNT_DETACH], { accept: [errno.EINVAL, errno.ENOENT] })];
    const cover = makeFilesystem('tmpfs', 'tmpfs', ['ro', 'size=0']);
    return [...cover, call('move_mount', [result(cover.at(-1)!), '', AT_FDCWD, path, moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH])];
  });
  return {
    id: 'mount.move-root',
    what: 'Move the root over the old one, and make it the root',
    calls: [...hide, call('fchdir', [root]), call('mount', ['.', '/', null, mountFlags.MS_MOVE, null]), call('chroot', ['.']), call('chdir', ['/'])],
    shell: [...paths.map((path) => `umount --lazy ${word(path)}`), 'cd "$ROOT"', 'mount --move . /', 'set -- chroot . "$@"'].join('\n'),
    look: 'ls -l /proc/$PID/root; cat /proc/$PID/mountinfo',
  };
}

/** Makes the root the root for this process alone: it has its mount namespace in common with others, whose root is to stay theirs. */
export function chrootStep(root: Arg): Step {
  return {
    id: 'mount.chroot',
    what: 'Make it the root for this process alone',
    calls: [call('fchdir', [root]), call('chroot', ['.']), call('chdir', ['/'])],
    shell: 'set -- chroot "$ROOT" "$@"',
    look: 'ls -l /proc/$PID/root',
  };
}
