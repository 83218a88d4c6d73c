/**
 * The mounts that a process sees, from /proc/PID/mountinfo: which file system is where, and which part of it.
 * See proc_pid_mountinfo(5).
 */
import { readFileSync } from 'node:fs';

/** One line of mountinfo. */
export interface Mount {
  readonly id: number;
  readonly parent: number;
  /** `major:minor` of the file system's device. */
  readonly device: string;
  /** The directory inside the file system that is mounted; `/` unless it is a bind mount or a namespace's view. */
  readonly root: string;
  readonly mountPoint: string;
  /** Options of this mount: `rw`, `nosuid`, … */
  readonly options: readonly string[];
  /** `shared:N`, `master:N`, `propagate_from:N`, `unbindable`; empty for a private mount. */
  readonly propagation: readonly string[];
  /** The file system's type: `ext4`, `cgroup2`, … */
  readonly type: string;
  readonly source: string;
  /** Options of the file system itself: for cgroup v1 its controllers, for overlay its layers. */
  readonly superOptions: readonly string[];
}

/** Undoes the kernel's escapes of space, tab, newline and backslash (`\040` …). */
const unescape = (field: string): string =>
  !field.includes('\\') ? field : field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

/**
 * Parses the text of a mountinfo file; lines that are not of the documented form are left out.
 * @param type what the file system's type begins with, where others are of no interest: a machine may have hundreds
 */
export function parseMountinfo(text: string, type = ''): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const separator = line.indexOf(' - ');
    if (separator < 0 || !line.startsWith(type, separator + 3)) continue;
    const [id, parent, device, root, mountPoint, options, ...propagation] = line.slice(0, separator).split(' ');
    const [ofType, source, superOptions] = line.slice(separator + 3).split(' ');
    if (mountPoint === undefined || ofType === undefined) continue;
    mounts.push({
      id: Number(id),
      parent: Number(parent),
      device: device ?? '',
      root: unescape(root ?? '/'),
      mountPoint: unescape(mountPoint),
      options: (options ?? '').split(','),
      propagation,
      type: ofType,
      source: unescape(source ?? ''),
      // Split first: a comma that belongs to an option's value is escaped.
      superOptions: (superOptions ?? '').split(',').map(unescape),
    });
  }
  return mounts;
}

/**
 * The mounts that a process sees.
 * @param pid a process id, or `self`
 */
export function readMountinfo(pid: number | 'self' = 'self'): Mount[] {
  return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

/**
 * The mount on which a path lies, found as the kernel finds it: from the root mount on, whenever a mount point is met, what is mounted
 * there. What lies below a mount point in the mount that it covers is listed too, and is not met.
 * @param path absolute, without links
 * @returns undefined where the process's root is no mount and the path lies on none that it sees
 */
export function mountHolding(mounts: readonly Mount[], path: string): Mount | undefined {
  const ids = new Set(mounts.map(({ id }) => id));
  let holder: Mount | undefined;
  for (;;) {
    const children = mounts.filter((m) => (holder ? m.parent === holder.id && m !== holder : m.parent === m.id || !ids.has(m.parent)));
    const met = children.filter(({ mountPoint }) => mountPoint === '/' || `${path}/`.startsWith(`${mountPoint}/`));
    if (met.length === 0) return holder;
    holder = met.reduce((first, other) => (other.mountPoint.length <= first.mountPoint.length ? other : first));
  }
}

/** The mount whose root a path is; undefined where nothing is mounted there, or where that is covered. See {@link mountHolding}. */
export function mountAt(mounts: readonly Mount[], path: string): Mount | undefined {
  const holder = mountHolding(mounts, path);
  return holder?.mountPoint === path ? holder : undefined;
}

/** The id of the mount that an open file is in. */
export function mountIdOf(fd: number): number {
  return Number(/^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]);
}
