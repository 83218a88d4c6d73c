/**
 * Mount options as fstab writes them, sorted into what the kernel's mount calls take: attributes of the mount,
 * propagation, flags of the file system, and its parameters. See mount(8), runtime-spec config.md "Mounts".
 */
import { mountAttrs, mountFlags } from '../../kernel/flags.ts';

/** Options, sorted. */
export interface MountOptions {
  /** MOUNT_ATTR_ bits to set and to clear, on the mount itself. */
  readonly set: number;
  readonly clear: number;
  /** The same for the mounts beneath it too: `rro`, `rnosuid`, … */
  readonly recursiveSet: number;
  readonly recursiveClear: number;
  /** `bind`: with the mounts beneath the source (`rbind`), or without. */
  readonly bind: 'bind' | 'rbind' | undefined;
  /** MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, with MS_REC for the r-forms, in their order: `slave` and `shared` together mean both. */
  readonly propagation: readonly number[];
  /** Change what is mounted at the destination already. */
  readonly remount: boolean;
  /** Its files are seen through id maps, those of the mounts beneath too or not. */
  readonly idMap: 'idmap' | 'ridmap' | undefined;
  /** Copy the image's content at the destination into the tmpfs. */
  readonly tmpcopyup: boolean;
  /** A source that is a symbolic link is linked at the destination, not bound. */
  readonly copySymlink: boolean;
  /** A last component that is a symbolic link is meant itself: of the source, of the destination. */
  readonly sourceNoFollow: boolean;
  readonly destinationNoFollow: boolean;
  /** Flags that the kernel keeps for the file system, by the names that fsconfig(2) has for them: `sync`, `lazytime`, … */
  readonly superblock: readonly string[];
  /** What the file system is to understand: `size=64m` as [size, 64m], a flag as [flag]. */
  readonly parameters: readonly (readonly [key: string, value?: string])[];
}

const {
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_STRICTATIME,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOSYMFOLLOW,
} = mountAttrs;
const ATIME_MASK = 0x70; // the three atime modes are one field
const attributes: Readonly<Record<string, readonly [set: number, clear: number]>> = {
  ro: [MOUNT_ATTR_RDONLY, 0],
  rw: [0, MOUNT_ATTR_RDONLY],
  nosuid: [MOUNT_ATTR_NOSUID, 0],
  suid: [0, MOUNT_ATTR_NOSUID],
  nodev: [MOUNT_ATTR_NODEV, 0],
  dev: [0, MOUNT_ATTR_NODEV],
  noexec: [MOUNT_ATTR_NOEXEC, 0],
  exec: [0, MOUNT_ATTR_NOEXEC],
  nodiratime: [MOUNT_ATTR_NODIRATIME, 0],
  diratime: [0, MOUNT_ATTR_NODIRATIME],
  nosymfollow: [MOUNT_ATTR_NOSYMFOLLOW, 0],
  symfollow: [0, MOUNT_ATTR_NOSYMFOLLOW],
  relatime: [0, ATIME_MASK],
  norelatime: [0, ATIME_MASK],
  atime: [0, ATIME_MASK],
  noatime: [MOUNT_ATTR_NOATIME, ATIME_MASK],
  strictatime: [MOUNT_ATTR_STRICTATIME, ATIME_MASK],
  nostrictatime: [0, ATIME_MASK],
};
const { MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, MS_REC } = mountFlags;
const propagations: Readonly<Record<string, number>> = {
  private: MS_PRIVATE,
  slave: MS_SLAVE,
  shared: MS_SHARED,
  unbindable: MS_UNBINDABLE,
  rprivate: MS_PRIVATE | MS_REC,
  rslave: MS_SLAVE | MS_REC,
  rshared: MS_SHARED | MS_REC,
  runbindable: MS_UNBINDABLE | MS_REC,
};
/** The kernel's own names, fs/fs_context.c. */
const superblockFlags = new Set(['sync', 'async', 'dirsync', 'lazytime', 'nolazytime', 'mand', 'nomand']);
/** How a mount is made, not what the kernel is told of it. */
const kinds = new Set(['bind', 'rbind', 'remount', 'idmap', 'ridmap', 'tmpcopyup', 'copy-symlink', 'src-nofollow', 'dest-nofollow']);
/**
 * Options that say nothing to the kernel here: it writes no more into its log for `loud` than it does for any mount, and counts the versions
 * of files wherever the file system can, whether it is told to or not.
 */
const ignored = new Set(['defaults', 'silent', 'loud', 'iversion', 'noiversion']);

/** Every option that is known by name; what else there is, a file system knows. For `features`. */
export function knownMountOptions(): string[] {
  const recursive = Object.keys(attributes).map((name) => `r${name}`);
  return [...Object.keys(attributes), ...recursive, ...Object.keys(propagations), ...superblockFlags, ...kinds, ...ignored].toSorted();
}

/** What was sorted: a start asks for each list several times. */
const sorted = new WeakMap<readonly string[], MountOptions>();

/** Sorts mount options; what is not an attribute or a propagation is the file system's. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  let known = sorted.get(options);
  if (known === undefined) sorted.set(options, (known = sort(options)));
  return known;
}

function sort(options: readonly string[]): MountOptions {
  let set = 0,
    clear = 0,
    recursiveSet = 0,
    recursiveClear = 0;
  const propagation: number[] = [];
  let bind: MountOptions['bind'], idMap: MountOptions['idMap'];
  const superblock: string[] = [];
  const parameters: [string, string?][] = [];
  for (const option of options) {
    const attribute = attributes[option];
    const recursive = option.startsWith('r') ? attributes[option.slice(1)] : undefined;
    if (attribute) {
      clear = (clear & ~attribute[0]) | attribute[1];
      set = (set & ~attribute[1]) | attribute[0];
    } else if (recursive) {
      recursiveClear = (recursiveClear & ~recursive[0]) | recursive[1];
      recursiveSet = (recursiveSet & ~recursive[1]) | recursive[0];
    } else if (propagations[option] !== undefined) propagation.push(propagations[option]);
    else if (superblockFlags.has(option)) superblock.push(option);
    else if (option === 'bind' || option === 'rbind') bind = option;
    else if (option === 'idmap' || option === 'ridmap') idMap = option;
    else if (!kinds.has(option) && !ignored.has(option)) {
      const at = option.indexOf('=');
      parameters.push(at < 0 ? [option] : [option.slice(0, at), option.slice(at + 1)]);
    }
  }
  return {
    set,
    clear,
    recursiveSet,
    recursiveClear,
    propagation,
    superblock,
    parameters,
    bind,
    idMap,
    remount: options.includes('remount'),
    tmpcopyup: options.includes('tmpcopyup'),
    copySymlink: options.includes('copy-symlink'),
    sourceNoFollow: options.includes('src-nofollow'),
    destinationNoFollow: options.includes('dest-nofollow'),
  };
}

const isRecursive = (option: string): boolean => attributes[option] === undefined && option.startsWith('r') && attributes[option.slice(1)] !== undefined;

/** The attributes of the mount itself, as mount(8) takes them. */
export const attributeWords = (options: readonly string[]): string[] => options.filter((option) => attributes[option] !== undefined);

/** The attributes of the mounts beneath too, without the `r` that says so. */
export const recursiveWords = (options: readonly string[]): string[] => options.filter(isRecursive).map((option) => option.slice(1));

/** What mount(8) is told with a new file system: its parameters and the mount's attributes, but for `ro`, which would be the file system's. */
export const filesystemWords = (options: readonly string[]): string[] =>
  options.filter((option) => option !== 'ro' && !isRecursive(option) && propagations[option] === undefined && !ignored.has(option) && !kinds.has(option));

/** The propagations that are named, in their order: `rslave`, `shared`. */
export const propagationWords = (options: readonly string[]): string[] => options.filter((option) => propagations[option] !== undefined);
