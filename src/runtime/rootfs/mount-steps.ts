/**
 * Mounts inside a new root, as steps of the container's own process. Every target is resolved beneath the root by
 * descriptor (openat2, RESOLVE_IN_ROOT) and stays the one that was resolved, whatever a hostile image or a neighbour
 * who shares a volume swaps meanwhile (CVE-2021-30465). See fsopen(2), fsmount(2), move_mount(2), open_tree(2).
 */
import { call, result, Struct, type Arg, Unknown, type Call, type Known } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import {
  AT_FDCWD,
  atFlags,
  fsconfigCommands,
  fsmountFlags,
  fsopenFlags,
  fspickFlags,
  mountAttrs,
  mountFlags,
  moveMountFlags,
  openFlags,
  openTreeFlags,
  resolveFlags,
} from '../../kernel/flags.ts';
import { describeFlags } from '../../kernel/describe.ts';
import { kernelAtLeast } from '../../kernel/release.ts';
import { inRoot, word } from '../../step/shell.ts';
import type { Step } from '../../step/step.ts';
import { attributeWords, filesystemWords, parseMountOptions, propagationWords, recursiveWords, type MountOptions } from './mount-options.ts';
import type { MountSpec } from '../spec.ts';

const { FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE, FSCONFIG_CMD_RECONFIGURE } = fsconfigCommands;

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
  const how = new Struct(() => `{flags=${describeFlags(BigInt(flags), openFlags)}, resolve=${describeFlags(BigInt(resolve), resolveFlags)}}`, bytes);
  hows.set(key, how);
  return how;
}

/** Opens a path beneath the root, as a place only (O_PATH). */
export function openInRoot(root: Arg, path: string, flags: number = openFlags.O_PATH): Call {
  return call('openat2', [root, relative(path), openHow(flags | openFlags.O_CLOEXEC), 24], { label: 'target' });
}

/** `/dev/pts` as `dev/pts`; the root itself as `.`. */
export function relative(path: string): string {
  let from = 0;
  while (path[from] === '/') from++;
  return path.slice(from) || '.';
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
  const { set = 0, clear = 0, propagation = 0, userns = 0 } = change;
  // Four words of eight bytes, of which the upper halves are zero.
  const bytes = new Uint8Array(Uint32Array.of(set, 0, clear, 0, propagation, 0, userns instanceof Unknown ? 0 : userns, 0).buffer);
  const text = (): string[] => [
    set ? `attr_set=${describeFlags(BigInt(set), mountAttrs)}` : '',
    clear ? `attr_clr=${describeFlags(BigInt(clear), mountAttrs)}` : '',
    propagation ? `propagation=${describeFlags(BigInt(propagation), mountFlags)}` : '',
    userns ? `userns_fd=${userns}` : '',
  ];
  const flags = atFlags.AT_EMPTY_PATH | (recursive ? atFlags.AT_RECURSIVE : 0);
  return call('mount_setattr', [mount, '', flags, new Struct(() => `{${text().filter(Boolean).join(', ')}}`, bytes), 32]);
}

/** A parameter as one or more: from Linux 6.5 an overlay's layers go one by one, since fsconfig(2) takes no text of more than 255 bytes. */
function separate(type: string, parameter: MountOptions['parameters'][number]): MountOptions['parameters'] {
  const [key, value] = parameter;
  if (value === undefined || type !== 'overlay' || key !== 'lowerdir' || value.includes('::') || !kernelAtLeast(6, 5)) return [parameter];
  // A colon that belongs to a path is escaped.
  return value.split(/(?<!\\):/).map((layer) => [`${key}+`, layer.replaceAll(/\\(.)/g, '$1')]);
}

/** Where what the kernel says of a failure is put: one place for all, since who has failed goes no further. */
const message = new Uint8Array(256);

/** The calls that make a file system: the last one's result is the detached mount. */
export function makeFilesystem(type: string, source: string, options: readonly string[], label?: string): Call[] {
  const { set, superblock, parameters } = parseMountOptions(options);
  const context = call('fsopen', [type, fsopenFlags.FSOPEN_CLOEXEC], { label: 'fs' });
  const fs = result(context);
  const flags: MountOptions['parameters'] = [
    ...superblock.map((flag) => [flag] as const),
    // A device that cannot be written to is opened only by who says so; other file systems are read-only where they are mounted.
    ...(set & mountAttrs.MOUNT_ATTR_RDONLY && source.startsWith('/') ? [['ro'] as const] : []),
  ];
  const reason = call('read', [fs, message, message.length]);
  const configure = ([key, value]: readonly [string, string?]): Call =>
    call('fsconfig', [fs, value === undefined ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key, value ?? null, 0], { reason });
  return [
    context,
    ...(source ? [call('fsconfig', [fs, FSCONFIG_SET_STRING, 'source', source, 0])] : []),
    ...[...flags, ...parameters.flatMap((parameter) => separate(type, parameter)), ...(label ? [['context', label] as const] : [])].map(configure),
    call('fsconfig', [fs, FSCONFIG_CMD_CREATE, null, null, 0], { reason }),
    call('fsmount', [fs, fsmountFlags.FSMOUNT_CLOEXEC, set], { label: 'mnt' }),
  ];
}

/** The options as mount(8) takes them. */
const optionText = (options: readonly string[]): string => (options.length ? ` -o ${word(options.join(','))}` : '');

/** Changes attributes of a mount; those that are not named stay. */
export const remountLine = (path: string, attributes: readonly string[]): string =>
  `mount -o ${word(['remount', 'bind', ...attributes].join(','))} ${inRoot(path)}`;

/** The lines that change the propagation. */
const propagationLines = ({ destination, options }: MountSpec): string[] =>
  propagationWords(options).map((name) => `mount --make-${name} ${inRoot(destination)}`);

/** The calls that change it. */
const propagate = (mount: Arg, { propagation }: MountOptions): Call[] =>
  propagation.map((kind) => setAttributes(mount, { propagation: kind & ~mountFlags.MS_REC }, (kind & mountFlags.MS_REC) !== 0));

/** The line that makes a mount point, where there is none. */
export function makePlace(path: string, isFile: boolean): string {
  return isFile ? `[ -e ${inRoot(path)} ] || install -D -m 644 /dev/null ${inRoot(path)}` : `mkdir -p ${inRoot(path)}`;
}

/** The line that shows what is mounted at a path. The kernel writes blanks in octal: see proc_pid_mountinfo(5). */
export function lookAtMount(path: string): string {
  const written = path.replaceAll(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `grep -F ${word(` ${written} `)} /proc/$PID/mountinfo`;
}

/** Opens the destination of a mount. */
function openDestination(root: Arg, { type, destination }: MountSpec, { destinationNoFollow }: MountOptions): Call {
  // What programs and this runtime trust to be the kernel's must be where it is said to be, not where a link of the image leads.
  const links = type === 'proc' || type === 'sysfs' ? resolveFlags.RESOLVE_NO_SYMLINKS : resolveFlags.RESOLVE_NO_MAGICLINKS;
  const flags = openFlags.O_PATH | openFlags.O_CLOEXEC | (destinationNoFollow ? openFlags.O_NOFOLLOW : 0);
  return call('openat2', [root, relative(destination), openHow(flags, resolveFlags.RESOLVE_IN_ROOT | links), 24], { label: 'target' });
}

/** Mounts a new file system at a destination in the root. @param label its SELinux context */
export function mountStep(root: Arg, mount: MountSpec, missing: readonly Call[] = [], label?: string): Step {
  const make = makeFilesystem(mount.type, mount.source, mount.options, label);
  const options = parseMountOptions(mount.options);
  const target = openDestination(root, mount, options);
  const mnt = result(make.at(-1)!);
  // It is one mount, with nothing beneath it yet.
  const [set, clear] = [options.recursiveSet, options.recursiveClear];
  return {
    id: `mount.${stepName(mount)}`,
    what: `Mount ${mount.type} at ${mount.destination}`,
    calls: [
      ...missing,
      ...make,
      ...(set || clear ? [setAttributes(mnt, { set, clear })] : []),
      target,
      attach(mnt, result(target)),
      ...propagate(mnt, options),
    ],
    get shell() {
      return [
        ...(missing.length ? [makePlace(mount.destination, false)] : []),
        `mount -t ${word(mount.type)}${optionText([...filesystemWords(mount.options), ...(label ? [`context="${label}"`] : [])])} ${word(mount.source || 'none')} ${inRoot(mount.destination)}`,
        // Afterwards: with the mount itself it would be the file system that becomes read-only.
        ...(options.set & mountAttrs.MOUNT_ATTR_RDONLY ? [remountLine(mount.destination, ['ro'])] : []),
        ...(set || clear ? [remountLine(mount.destination, recursiveWords(mount.options))] : []),
        ...propagationLines(mount),
      ].join('\n');
    },
    get look() {
      return lookAtMount(mount.destination);
    },
  };
}

/** Attaches a file system that was made and filled before. */
export function attachStep(root: Arg, mount: MountSpec, { fd, path }: BindSource, missing: readonly Call[] = []): Step {
  const options = parseMountOptions(mount.options);
  const target = openDestination(root, mount, options);
  const [set, clear] = [options.set & mountAttrs.MOUNT_ATTR_RDONLY, 0];
  return {
    id: `mount.${stepName(mount)}`,
    what: `Mount ${mount.type} at ${mount.destination}`,
    calls: [...missing, ...(set ? [setAttributes(fd, { set, clear })] : []), target, attach(fd, result(target)), ...propagate(fd, options)],
    get shell() {
      return [
        ...(missing.length ? [makePlace(mount.destination, false)] : []),
        `mount --move ${word(path)} ${inRoot(mount.destination)}`,
        ...(set ? [remountLine(mount.destination, ['ro'])] : []),
        ...propagationLines(mount),
      ].join('\n');
    },
    get look() {
      return lookAtMount(mount.destination);
    },
  };
}

/** What has a name of its own. */
const named: Readonly<Record<string, string>> = {
  '/proc': 'proc',
  '/sys': 'sys',
  '/dev': 'dev',
  '/dev/pts': 'devpts',
  '/dev/shm': 'shm',
  '/dev/mqueue': 'mqueue',
};

/** A step's name from what is mounted where: `mount.proc`, `mount.dev-shm`, `mount.tmpfs`. */
function stepName(mount: MountSpec): string {
  if (mount.destination.startsWith('/sys/fs/cgroup') || mount.type === 'cgroup' || mount.type === 'cgroup2') return 'cgroup';
  return named[mount.destination] ?? (mount.type === 'tmpfs' ? 'tmpfs' : 'filesystem');
}

/** What is to be bound: a clone of the tree, attached nowhere, and the path by which shell lines find it. */
export interface BindSource {
  readonly fd: Arg;
  readonly path: string;
  /** Makes the clone, where only the process may: in its own user and mount namespaces. */
  readonly open?: Call;
}

/** Puts a tree of the host's, which the engine opened and cloned before, at a destination in the root. */
export function bindStep(root: Arg, mount: MountSpec, { fd: source, path, open }: BindSource, missing: readonly Call[] = []): Step {
  const options = parseMountOptions(mount.options);
  const { set, clear, recursiveSet, recursiveClear, bind } = options;
  const target = openDestination(root, { ...mount, type: 'bind' }, options);
  return {
    id: 'mount.bind',
    what: `Bind ${mount.source} at ${mount.destination}`,
    calls: [
      ...missing,
      ...(open ? [open] : []),
      ...(set || clear ? [setAttributes(source, { set, clear })] : []),
      ...(recursiveSet || recursiveClear ? [setAttributes(source, { set: recursiveSet, clear: recursiveClear }, true)] : []),
      target,
      attach(source, result(target)),
      ...propagate(source, options),
    ],
    get shell() {
      return [
        ...(missing.length ? [makePlace(mount.destination, missing.at(-1)!.name === 'mknodat')] : []),
        `mount --${bind ?? 'bind'} ${word(path)} ${inRoot(mount.destination)}`,
        ...(set || clear ? [remountLine(mount.destination, attributeWords(mount.options))] : []),
        ...(recursiveSet || recursiveClear
          ? [
              `findmnt -rn -o TARGET -R ${inRoot(mount.destination)} | while read -r at; do mount -o ${word(['remount', 'bind', ...recursiveWords(mount.options)].join(','))} "$(env printf %b "$at")"; done`,
            ]
          : []),
        ...propagationLines(mount),
      ].join('\n');
    },
    get look() {
      return lookAtMount(mount.destination);
    },
  };
}

/** Changes what is mounted at a destination already: this mount of it, or (without `bind`) the file system. */
export function remountStep(root: Arg, mount: MountSpec): Step {
  const options = parseMountOptions(mount.options);
  const { set, clear, recursiveSet, recursiveClear } = options;
  const target = openDestination(root, { ...mount, type: 'bind' }, options);
  const place = result(target);
  const flags: MountOptions['parameters'] = [...options.superblock.map((flag) => [flag] as const), ...options.parameters];
  const picked = call('fspick', [place, '', fspickFlags.FSPICK_CLOEXEC | fspickFlags.FSPICK_EMPTY_PATH], { label: 'fs' });
  const fs = result(picked);
  const superblock = flags.length
    ? [
        picked,
        ...flags.map(([key, value]) => call('fsconfig', [fs, value === undefined ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key, value ?? null, 0])),
        call('fsconfig', [fs, FSCONFIG_CMD_RECONFIGURE, null, null, 0]),
      ]
    : [];
  const words = filesystemWords(mount.options).filter((option) => !attributeWords([option]).length);
  return {
    id: 'mount.remount',
    what: `Change the mount at ${mount.destination}`,
    calls: [
      target,
      ...superblock,
      ...(set || clear ? [setAttributes(place, { set, clear })] : []),
      ...(recursiveSet || recursiveClear ? [setAttributes(place, { set: recursiveSet, clear: recursiveClear }, true)] : []),
      ...propagate(place, options),
    ],
    shell: [
      ...(flags.length ? [`mount -o ${word(['remount', ...words].join(','))} ${inRoot(mount.destination)}`] : []),
      ...(set || clear ? [remountLine(mount.destination, attributeWords(mount.options))] : []),
      ...propagationLines(mount),
    ].join('\n'),
    look: lookAtMount(mount.destination),
  };
}

/** Puts a symbolic link where one was to be bound. */
export function linkMountStep(root: Arg, mount: MountSpec, target: string, missing: readonly Call[]): Step {
  const at = mount.destination.lastIndexOf('/');
  const parent = openInRoot(root, mount.destination.slice(0, at) || '/', openFlags.O_PATH | openFlags.O_DIRECTORY);
  return {
    id: 'mount.link',
    what: `Link ${mount.destination} to ${target}, as ${mount.source} is`,
    calls: [...missing, parent, call('symlinkat', [target, result(parent), mount.destination.slice(at + 1)])],
    shell: `ln -s ${word(target)} ${inRoot(mount.destination)}`,
    look: `readlink /proc/$PID/root${word(mount.destination)}`,
  };
}

/** Makes a directory (or an empty file) in the root for each component that an earlier mount of ours hides or lacks. */
export function makeMountPoint(root: Arg, path: string, below: string, isFile: boolean): Call[] {
  const parts = relative(path).split('/');
  const from = relative(below) === '.' ? 0 : relative(below).split('/').length;
  return parts.slice(from).flatMap((name, i) => {
    const parent = openInRoot(root, parts.slice(0, from + i).join('/'), openFlags.O_PATH | openFlags.O_DIRECTORY);
    const last = from + i === parts.length - 1;
    const make =
      last && isFile
        ? call('mknodat', [result(parent), name, 0o100644, 0], { accept: [errno.EEXIST] })
        : call('mkdirat', [result(parent), name, 0o755], { accept: [errno.EEXIST] });
    return [parent, make];
  });
}

/** A detached copy of a tree of the host's: made by the engine, in the host's mount namespace, to be attached in another. */
export function cloneTree(path: string, recursive: boolean, noFollow = false): Call {
  const flags = openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC | (noFollow ? openTreeFlags.AT_SYMLINK_NOFOLLOW : 0);
  return call('open_tree', [AT_FDCWD, path, flags | (recursive ? openTreeFlags.AT_RECURSIVE : 0)], { label: 'tree' });
}
