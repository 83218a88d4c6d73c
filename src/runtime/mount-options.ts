/**
 * Mount options as fstab writes them, sorted into what the kernel's mount calls take: attributes of the mount,
 * propagation, and parameters of the file system. See mount(8), runtime-spec config.md "Mounts".
 */
import { mountAttrs, mountFlags } from '../kernel/flags.ts';

/** Options, sorted. */
export interface MountOptions {
  /** MOUNT_ATTR_ bits to set and to clear, on the mount itself. */
  readonly set: number;
  readonly clear: number;
  /** The same for the mounts beneath it too: `rro`, `rnosuid`, … */
  readonly recursiveSet: number;
  readonly recursiveClear: number;
  /** `bind`: with the mounts beneath the source (`rbind`), or without. */
  readonly bind?: 'bind' | 'rbind';
  /** MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE, with MS_REC for the r-forms; 0 when not said. */
  readonly propagation: number;
  /** Copy the image's content at the destination into the tmpfs. */
  readonly tmpcopyup: boolean;
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
/** Options that say nothing to the kernel here. */
const ignored = new Set(['defaults', 'async', 'nomand', 'loud', 'remount', 'norecursive', 'copy', 'nocopy', 'z', 'Z']);

/** Sorts mount options; what is not an attribute or a propagation is the file system's. */
export function parseMountOptions(options: readonly string[]): MountOptions {
  let set = 0,
    clear = 0,
    recursiveSet = 0,
    recursiveClear = 0,
    propagation = 0,
    tmpcopyup = false;
  let bind: MountOptions['bind'];
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
    } else if (propagations[option] !== undefined) propagation = propagations[option];
    else if (option === 'bind' || option === 'rbind') bind = option;
    else if (option === 'tmpcopyup') tmpcopyup = true;
    else if (!ignored.has(option)) {
      const at = option.indexOf('=');
      parameters.push(at < 0 ? [option] : [option.slice(0, at), option.slice(at + 1)]);
    }
  }
  return { set, clear, recursiveSet, recursiveClear, ...(bind ? { bind } : {}), propagation, tmpcopyup, parameters };
}

/** The options as `mount -o` takes them, for the shell text. */
export function optionText(options: readonly string[]): string {
  return options.length ? ` -o ${options.join(',')}` : '';
}
