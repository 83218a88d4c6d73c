/**
 * Mounts inside a new root, as steps of the container's own process. Every target is resolved beneath the root by
 * descriptor (openat2, RESOLVE_IN_ROOT) and stays the one that was resolved, whatever a hostile image or a neighbour
 * who shares a volume swaps meanwhile (CVE-2021-30465). See fsopen(2), fsmount(2), move_mount(2), open_tree(2).
 */
import { call, result, Struct, type Arg, Unknown, type Call, type Known } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import {
  AT_FDCWD,
  atFlags,
  fsconfigCommands,
  fsmountFlags,
  fsopenFlags,
  mountAttrs,
  mountFlags,
  moveMountFlags,
  openFlags,
  openTreeFlags,
  resolveFlags,
} from '../kernel/flags.ts';
import { describeFlags } from '../kernel/describe.ts';
import type { Step } from '../step/step.ts';
import { optionText, parseMountOptions } from './mount-options.ts';
import type { MountSpec } from './spec.ts';

const { FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE } = fsconfigCommands;

const hows = new Map<string, Struct>();

/** struct open_how for openat2(2). The same object for the same flags: a table then holds it once. */
export function openHow(flags: number, resolve: number = resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS): Struct {
  const key = `${flags}/${resolve}`;
  const known = hows.get(key);
  if (known) return known;
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(flags), true);
  view.setBigUint64(16, BigInt(resolve), true);
  const how = new Struct(`{flags=${describeFlags(BigInt(flags), openFlags)}, resolve=${describeFlags(BigInt(resolve), resolveFlags)}}`, bytes);
  hows.set(key, how);
  return how;
}

/** Opens a path beneath the root, as a place only (O_PATH). */
export function openInRoot(root: Arg, path: string, flags: number = openFlags.O_PATH): Call {
  return call('openat2', [root, relative(path), openHow(flags | openFlags.O_CLOEXEC), 24], { label: 'target' });
}

/** `/dev/pts` as `dev/pts`; the root itself as `.`. */
export function relative(path: string): string {
  return path.replace(/^\/+/, '') || '.';
}

/** Puts a detached mount (from fsmount or open_tree) onto a target, both by descriptor. */
export function attach(mount: Arg, target: Arg): Call {
  return call('move_mount', [mount, '', target, '', moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH | moveMountFlags.MOVE_MOUNT_T_EMPTY_PATH]);
}

/** mount_setattr(2) on a descriptor. `propagation` is an MS_ flag or 0. */
export function setAttributes(
  mount: Arg,
  change: { readonly set?: number; readonly clear?: number; readonly propagation?: number; readonly userns?: Known },
  recursive = false,
): Call {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  const { set = 0, clear = 0, propagation = 0, userns = 0 } = change;
  [set, clear, propagation, userns instanceof Unknown ? 0 : userns].forEach((value, i) => view.setBigUint64(8 * i, BigInt(value), true));
  const text = [
    set ? `attr_set=${describeFlags(BigInt(set), mountAttrs)}` : '',
    clear ? `attr_clr=${describeFlags(BigInt(clear), mountAttrs)}` : '',
    propagation ? `propagation=${describeFlags(BigInt(propagation), mountFlags)}` : '',
    userns ? `userns_fd=${userns}` : '',
  ];
  const flags = atFlags.AT_EMPTY_PATH | (recursive ? atFlags.AT_RECURSIVE : 0);
  return call('mount_setattr', [mount, '', flags, new Struct(`{${text.filter(Boolean).join(', ')}}`, bytes), 32]);
}

/** The calls that make a file system: the last one's result is the detached mount. */
export function makeFilesystem(type: string, source: string, options: readonly string[]): Call[] {
  const { set, parameters } = parseMountOptions(options);
  const context = call('fsopen', [type, fsopenFlags.FSOPEN_CLOEXEC], { label: 'fs' });
  const fs = result(context);
  return [
    context,
    call('fsconfig', [fs, FSCONFIG_SET_STRING, 'source', source, 0]),
    ...parameters.map(([key, value]) => call('fsconfig', [fs, value === undefined ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key, value ?? null, 0])),
    call('fsconfig', [fs, FSCONFIG_CMD_CREATE, null, null, 0]),
    call('fsmount', [fs, fsmountFlags.FSMOUNT_CLOEXEC, set], { label: 'mnt' }),
  ];
}

/** Mounts a new file system at a destination in the root. */
export function mountStep(root: Known, mount: MountSpec, missing: readonly Call[] = []): Step {
  const make = makeFilesystem(mount.type, mount.source, mount.options);
  const target = openInRoot(root, mount.destination);
  const { propagation } = parseMountOptions(mount.options);
  const mnt = result(make.at(-1)!);
  return {
    id: `mount.${stepName(mount)}`,
    what: `Mount ${mount.type} at ${mount.destination}`,
    calls: [
      ...missing,
      ...make,
      target,
      attach(mnt, result(target)),
      ...(propagation ? [setAttributes(mnt, { propagation: propagation & ~mountFlags.MS_REC })] : []),
    ],
    shell: `${missing.length ? `mkdir -p $ROOT${mount.destination}; ` : ''}mount -t ${mount.type}${optionText(mount.options)} ${mount.source} $ROOT${mount.destination}`,
    look: `grep ' ${mount.destination} ' /proc/$PID/mountinfo`,
  };
}

/** A step's name from what is mounted where: `mount.proc`, `mount.dev-shm`, `mount.tmpfs`. */
function stepName(mount: MountSpec): string {
  const known: Readonly<Record<string, string>> = {
    '/proc': 'proc',
    '/sys': 'sys',
    '/dev': 'dev',
    '/dev/pts': 'devpts',
    '/dev/shm': 'shm',
    '/dev/mqueue': 'mqueue',
  };
  return known[mount.destination] ?? (mount.destination.startsWith('/sys/fs/cgroup') ? 'cgroup' : mount.type);
}

/** Puts a tree of the host's, which the engine opened and cloned before, at a destination in the root. */
export function bindStep(root: Known, mount: MountSpec, source: Known, missing: readonly Call[] = []): Step {
  const { set, clear, recursiveSet, recursiveClear, propagation } = parseMountOptions(mount.options);
  const target = openInRoot(root, mount.destination);
  return {
    id: 'mount.bind',
    what: `Bind ${mount.source} at ${mount.destination}`,
    calls: [
      ...missing,
      ...(set || clear ? [setAttributes(source, { set, clear })] : []),
      ...(recursiveSet || recursiveClear ? [setAttributes(source, { set: recursiveSet, clear: recursiveClear }, true)] : []),
      target,
      attach(source, result(target)),
      ...(propagation ? [setAttributes(source, { propagation: propagation & ~mountFlags.MS_REC }, (propagation & mountFlags.MS_REC) !== 0)] : []),
    ],
    shell: `mount --bind${optionText(mount.options)} ${mount.source} $ROOT${mount.destination}`,
    look: `grep ' ${mount.destination} ' /proc/$PID/mountinfo`,
  };
}

/** Makes a directory (or an empty file) in the root for each component that an earlier mount of ours hides or lacks. */
export function makeMountPoint(root: Known, path: string, below: string, isFile: boolean): Call[] {
  const parts = relative(path).split('/');
  const from = relative(below) === '.' ? 0 : relative(below).split('/').length;
  return parts.slice(from).flatMap((name, i) => {
    const parent = openInRoot(root, parts.slice(0, from + i).join('/'), openFlags.O_PATH | openFlags.O_DIRECTORY);
    const last = from + i === parts.length - 1;
    const make =
      last && isFile
        ? call('mknodat', [result(parent), name, 0o100644, 0], { accept: [errno.EEXIST, errno.EROFS] })
        : call('mkdirat', [result(parent), name, 0o755], { accept: [errno.EEXIST, errno.EROFS] });
    return [parent, make];
  });
}

/** Hides a directory behind an empty read-only tmpfs, or a file behind the null device that this container's /dev has. */
export function maskStep(root: Known, path: string, isDirectory: boolean): Step {
  const target = openInRoot(root, path);
  // The real null device (CVE-2025-31133): the /dev of our making is in place, and no link is followed.
  const device = call(
    'openat2',
    [root, 'dev/null', openHow(openFlags.O_PATH | openFlags.O_CLOEXEC, resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_SYMLINKS), 24],
    { label: 'null' },
  );
  const cover = isDirectory
    ? makeFilesystem('tmpfs', 'tmpfs', ['ro', 'size=0'])
    : [
        device,
        call('open_tree', [result(device), '', openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC | openTreeFlags.AT_EMPTY_PATH], {
          label: 'tree',
        }),
      ];
  return {
    id: 'mount.mask',
    what: `Hide ${path}`,
    calls: [...cover, target, attach(result(cover.at(-1)!), result(target))],
    shell: isDirectory ? `mount -t tmpfs -o ro,size=0 tmpfs $ROOT${path}` : `mount --bind $ROOT/dev/null $ROOT${path}`,
    look: `grep ' ${path} ' /proc/$PID/mountinfo`,
  };
}

/** Makes a path of the root read-only, with what is mounted beneath it. */
export function readOnlyStep(root: Known, path: string): Step {
  const source = openInRoot(root, path);
  const clone = call(
    'open_tree',
    [result(source), '', openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC | openTreeFlags.AT_EMPTY_PATH | openTreeFlags.AT_RECURSIVE],
    { label: 'tree' },
  );
  return {
    id: 'mount.read-only',
    what: `Make ${path} read-only`,
    calls: [source, clone, setAttributes(result(clone), { set: mountAttrs.MOUNT_ATTR_RDONLY }, true), attach(result(clone), result(source))],
    shell: `mount --rbind $ROOT${path} $ROOT${path} && mount -o remount,bind,ro $ROOT${path}`,
    look: `grep ' ${path} ' /proc/$PID/mountinfo`,
  };
}

/** Changes attributes of a mount that is already in the root. */
export function remountReadOnlyStep(root: Known, path: string): Step {
  const target = openInRoot(root, path);
  return {
    id: 'mount.remount-read-only',
    what: `Make the mount at ${path} read-only`,
    calls: [target, setAttributes(result(target), { set: mountAttrs.MOUNT_ATTR_RDONLY })],
    shell: `mount -o remount,bind,ro $ROOT${path}`,
    look: `grep ' ${path} ' /proc/$PID/mountinfo`,
  };
}

/** A detached copy of a tree of the host's: made by the engine, in the host's mount namespace, to be attached in another. */
export function cloneTree(path: string, recursive: boolean): Call {
  return call('open_tree', [AT_FDCWD, path, openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC | (recursive ? openTreeFlags.AT_RECURSIVE : 0)], {
    label: 'tree',
  });
}
