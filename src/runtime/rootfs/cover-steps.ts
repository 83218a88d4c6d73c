/**
 * What covers a part of the new root: masks over what is not to be seen, and mounts that make a path read-only. As in mount-steps.ts
 * every path is resolved beneath the root. See runtime-spec config-linux.md "Masked Paths", "Readonly Paths".
 */
import { call, result, type Arg, type Call } from '../../kernel/call.ts';
import { AT_FDCWD, mountAttrs, openFlags, openTreeFlags, resolveFlags } from '../../kernel/flags.ts';
import { inRoot } from '../../step/shell.ts';
import type { Step } from '../../step/step.ts';
import { attach, lookAtMount, makeFilesystem, openHow, openInRoot, remountLine, setAttributes } from './mount-steps.ts';

const cloneFlags = openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC | openTreeFlags.AT_EMPTY_PATH;

/** Hides a directory behind an empty read-only tmpfs, or a file behind the null device. */
export function maskStep(root: Arg, path: string, isDirectory: boolean): Step {
  const target = openInRoot(root, path);
  const cover = isDirectory ? makeFilesystem('tmpfs', 'tmpfs', ['ro', 'size=0']) : nullDevice();
  const mount = result(cover.find(({ name }) => name === 'fsmount' || name === 'open_tree')!);
  return {
    id: 'mount.mask',
    what: `Hide ${path}`,
    calls: [...cover, target, attach(mount, result(target))],
    get shell() {
      const cover = isDirectory ? 'mount -t tmpfs -o size=0 tmpfs' : 'mount --bind /dev/null';
      return `${cover} ${inRoot(path)}\n${remountLine(path, ['ro'])}`;
    },
    get look() {
      return lookAtMount(path);
    },
  };
}

/**
 * The machine's own null device, which is still in reach: what the image has at /dev/null may be anything (CVE-2025-31133). Read-only,
 * since a container's root could else change the machine's, its owner and its mode.
 */
function nullDevice(): Call[] {
  const device = call('openat2', [AT_FDCWD, '/dev/null', openHow(openFlags.O_PATH | openFlags.O_CLOEXEC, resolveFlags.RESOLVE_NO_SYMLINKS), 24], {
    label: 'null',
  });
  const clone = call('open_tree', [result(device), '', cloneFlags], { label: 'tree' });
  return [device, clone, setAttributes(result(clone), { set: mountAttrs.MOUNT_ATTR_RDONLY })];
}

/** Makes a path of the root read-only, with what is mounted beneath it. */
export function readOnlyStep(root: Arg, path: string): Step {
  const source = openInRoot(root, path);
  const clone = call('open_tree', [result(source), '', cloneFlags | openTreeFlags.AT_RECURSIVE], { label: 'tree' });
  return {
    id: 'mount.read-only',
    what: `Make ${path} read-only`,
    calls: [source, clone, setAttributes(result(clone), { set: mountAttrs.MOUNT_ATTR_RDONLY }, true), attach(result(clone), result(source))],
    get shell() {
      return `mount --rbind ${inRoot(path)} ${inRoot(path)}\n${remountLine(path, ['ro'])}`;
    },
    get look() {
      return lookAtMount(path);
    },
  };
}

/** Changes attributes of a mount that is already in the root. */
export function remountReadOnlyStep(root: Arg, path: string): Step {
  const target = openInRoot(root, path);
  return {
    id: 'mount.remount-read-only',
    what: `Make the mount at ${path} read-only`,
    calls: [target, setAttributes(result(target), { set: mountAttrs.MOUNT_ATTR_RDONLY })],
    get shell() {
      return remountLine(path, ['ro']);
    },
    get look() {
      return lookAtMount(path);
    },
  };
}
