/**
 * A container's root file system, from both sides: the engine stacks the layers and sees that every mount point
 * exists; the new process makes the stack its root. The overlay is mounted detached (by descriptor), so that it never
 * appears in the host's mount table and nothing is left of it when the last descriptor closes.
 * See overlayfs(5) in the kernel's documentation, pivot_root(2).
 */
import { release } from 'node:os';
import { call, Result, result, Unknown, type Call, type Known } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { closeFd, tryOpenInRoot } from '../kernel/file-at.ts';
import { AT_FDCWD, fsconfigCommands, fsmountFlags, fsopenFlags, mountAttrs, mountFlags, moveMountFlags, openFlags, umountFlags } from '../kernel/flags.ts';
import { perform, performNow } from '../kernel/perform.ts';
import { step, type Procedure, type Step } from '../step/step.ts';
import { layersInOneString, type NamedLayers } from './layers-in-one-string.ts';
import { cloneTree, makeMountPoint, relative, setAttributes } from './mount-steps.ts';

/** Layers and the directories of the writable one; see src/storage/snapshots.ts. */
export interface Overlay {
  /** Top first. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly target: string;
}

const [major = 0, minor = 0] = release().split('.').map(Number);
const since = (wanted: number): boolean => major > 6 || (major === 6 && minor >= wanted);
/** From Linux 6.5 the layers are given one by one. */
const layerByLayer = since(5);
/** From Linux 6.13 they can be given by descriptor, which is how idmapped ones are. */
const layerByDescriptor = since(13);

/** How the layers are stacked. */
export interface OverlayOptions {
  /** Without the writable layer; needs two layers at least. */
  readonly readOnly?: boolean;
  /** From Linux 6.13. */
  readonly idMap?: IdMap;
}

/** How layers are seen in a user namespace. */
export interface IdMap {
  /** A user namespace with the maps. */
  readonly namespace: Known;
  /** The container's root, in the host's ids. */
  readonly root: { readonly uid: number; readonly gid: number };
}

/**
 * Stacks the layers. The result is a descriptor of the mount's root, attached nowhere.
 * @throws Error for layers that are to be mapped, before Linux 6.13
 */
export function* mountOverlay(overlay: Overlay, options: OverlayOptions = {}): Procedure<Known> {
  const { lower, upper, work, target } = overlay;
  const { readOnly = false, idMap } = options;
  if (idMap !== undefined && !layerByDescriptor)
    throw new Error(
      `a user namespace of the container's own needs Linux 6.13 or newer, for its layers to be mapped, and this is ${release()}: leave out --userns`,
    );
  const context = call('fsopen', ['overlay', fsopenFlags.FSOPEN_CLOEXEC], { label: 'fs' });
  const fs = result(context);
  const set = (key: string, value: string): Call => call('fsconfig', [fs, fsconfigCommands.FSCONFIG_SET_STRING, key, value, 0]);
  const writable = readOnly ? [] : [set('upperdir', upper), set('workdir', work)];
  const mount = call('fsmount', [fs, fsmountFlags.FSMOUNT_CLOEXEC, 0], { label: 'rootfd' });
  const layers =
    idMap !== undefined ? mappedLayers(fs, overlay, idMap) : layerByLayer ? { set: lower.map((dir) => set('lowerdir+', dir)) } : layersInOneString(fs, lower);
  const { create = call('fsconfig', [fs, fsconfigCommands.FSCONFIG_CMD_CREATE, null, null, 0]), close = [] }: Partial<NamedLayers> = layers;
  return yield* step<Known>({
    id: 'mount.overlay',
    what: `Stack ${lower.length} read-only layer${lower.length === 1 ? '' : 's'} and one of its own as the root`,
    calls: [
      context,
      set('source', 'overlay'),
      ...layers.set,
      ...writable,
      // What is written is whole files under their own names: a layer can be packed from it.
      set('redirect_dir', 'off'),
      set('metacopy', 'off'),
      create,
      mount,
    ],
    shell: `mount -t overlay overlay -o lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work},redirect_dir=off,metacopy=off ${target}`,
    look: 'findmnt -t overlay -N $PID',
    finally: [call('close', [result(mount)]), call('close', [fs]), ...close],
    result: (returned) => returned.at(-1)!,
    unknown: new Unknown('ROOTFD'),
  });
}

/**
 * The read-only layers as idmapped mounts, given to the overlay by descriptor. The writable one is not mapped: overlay
 * makes its working files as the engine's root, who has no place in the map. It holds the host's ids, its top directory included.
 */
function mappedLayers(fs: Result, { lower, upper }: Overlay, idMap: IdMap): Pick<NamedLayers, 'set' | 'close'> {
  const layers = lower.map((directory) => {
    const tree = cloneTree(directory, false);
    return [tree, setAttributes(result(tree), { set: mountAttrs.MOUNT_ATTR_IDMAP, userns: idMap.namespace })] as const;
  });
  return {
    set: [
      call('fchownat', [AT_FDCWD, upper, idMap.root.uid, idMap.root.gid, 0]),
      ...layers.flat(),
      ...layers.map(([tree]) => call('fsconfig', [fs, fsconfigCommands.FSCONFIG_SET_FD, 'lowerdir+', null, result(tree)])),
    ],
    close: layers.map(([tree]) => call('close', [result(tree)])),
  };
}

/** Where something will be mounted. */
export interface MountPoint {
  readonly path: string;
  readonly isFile: boolean;
}

/** Sees that each mount point exists beneath the root; links in the image are followed inside it only. */
export function* prepareMountPoints(root: Known, points: readonly MountPoint[]): Procedure {
  yield* step({
    id: 'rootfs.mount-points',
    what: 'See that every mount point exists in the root',
    calls: points.map(({ path, isFile }) =>
      call(isFile ? 'mknodat' : 'mkdirat', isFile ? [root, relative(path), 0o100644, 0] : [root, relative(path), 0o755], {
        accept: [errno.EEXIST],
        perform: () => ensure(root as number, path, isFile),
      }),
    ),
    shell: points.map(({ path, isFile }) => (isFile ? `[ -e $ROOT${path} ] || install -D /dev/null $ROOT${path}` : `mkdir -p $ROOT${path}`)).join('\n'),
    look: 'ls -l $ROOT',
  });
}

/** Makes a directory or an empty file, and its parents, if it is not there. Resolved beneath the root by descriptor. */
function ensure(root: number, path: string, isFile: boolean): number {
  const there = tryOpenInRoot(root, relative(path), openFlags.O_PATH);
  if (there >= 0) {
    closeFd(there);
    return 0;
  }
  const values = new Map<Call, number>();
  const opened: number[] = [];
  try {
    for (const c of makeMountPoint(root, path, '/', isFile)) {
      const value = perform(c, (r) => values.get(r.of)!) as number;
      if (value < 0 && !c.accept?.includes(-value)) return value;
      values.set(c, value);
      if (c.name === 'openat2') opened.push(value);
    }
    return 0;
  } finally {
    opened.forEach(closeFd);
  }
}

/** Keeps mounts made here from the host, and the host's from here (or lets the host's come in, for `slave`). */
export function propagationStep(propagation: 'private' | 'slave' | 'shared' | 'unbindable'): Step {
  const flag = propagation === 'private' || propagation === 'unbindable' ? mountFlags.MS_PRIVATE : mountFlags.MS_SLAVE;
  const name = flag === mountFlags.MS_PRIVATE ? 'private' : 'slave';
  return {
    id: 'mount.propagation',
    what: name === 'private' ? "Cut this mount namespace off from the host's" : "Let the host's mounts come into this mount namespace, but none go out",
    calls: [call('mount', [null, '/', null, mountFlags.MS_REC | flag, null])],
    shell: `mount --make-r${name} /`,
    look: 'cat /proc/$PID/mountinfo',
  };
}

/** Attaches the stacked root in the new mount namespace. */
export function attachRootStep(root: Known, target: string): Step {
  return {
    id: 'mount.root',
    what: `Attach the root at ${target}`,
    calls: [call('move_mount', [root, '', AT_FDCWD, target, moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH]), call('fchdir', [root])],
    shell: `cd ${target}`,
    look: `grep ' ${target} ' /proc/$PID/mountinfo`,
  };
}

/**
 * Makes the root the root: pivot_root(".", ".") puts the old root on top of the new one, and the unmount takes it away,
 * so that no directory for the old root is needed. The working directory is the new root's before and after.
 */
export function pivotStep(root: Known): Step {
  return {
    id: 'mount.pivot',
    what: 'Make it the root, and let go of the old one',
    calls: [call('fchdir', [root]), call('pivot_root', ['.', '.']), call('umount2', ['.', umountFlags.MNT_DETACH]), call('chdir', ['/'])],
    shell: 'cd $ROOT && pivot_root . . && umount -l . && cd /',
    look: 'ls -l /proc/$PID/root; cat /proc/$PID/mountinfo',
  };
}

/** Makes the root read-only; what is mounted in it stays as it is. */
export function readOnlyRootStep(root: Known): Step {
  return {
    id: 'mount.read-only-root',
    what: 'Make the root read-only',
    calls: [setAttributes(root, { set: mountAttrs.MOUNT_ATTR_RDONLY })],
    shell: 'mount -o remount,bind,ro /',
    look: "grep ' / ' /proc/$PID/mountinfo",
  };
}

/**
 * Opens the same stack for the engine itself: to copy files in and out, or to look. The caller closes it.
 * @returns a descriptor of its root, or a negative errno
 */
export function openOverlay(overlay: Overlay, readOnly = false): number {
  const values = new Map<Call, number>();
  const resolve = (r: Result): number => values.get(r.of)!;
  const { calls, finally: closing = [] } = mountOverlay(overlay, { readOnly }).next().value as Step<Known>;
  let value = 0;
  for (const c of calls) {
    value = perform(c, resolve) as number;
    if (value < 0) break;
    values.set(c, value);
  }
  // The mount itself is the caller's.
  const kept = calls.at(-1)!;
  for (const c of closing) if (c.args.every((arg) => !(arg instanceof Result) || (arg.of !== kept && values.has(arg.of)))) performNow(c, resolve);
  return value;
}
