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
const unescape = (field: string): string => field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

/** Parses the text of a mountinfo file; lines that are not of the documented form are left out. */
export function parseMountinfo(text: string): Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    const separator = line.indexOf(' - ');
    if (separator < 0) continue;
    const [id, parent, device, root, mountPoint, options, ...propagation] = line.slice(0, separator).split(' ');
    const [type, source, superOptions] = line.slice(separator + 3).split(' ');
    if (mountPoint === undefined || type === undefined) continue;
    mounts.push({
      id: Number(id),
      parent: Number(parent),
      device: device ?? '',
      root: unescape(root ?? '/'),
      mountPoint: unescape(mountPoint),
      options: (options ?? '').split(','),
      propagation,
      type,
      source: unescape(source ?? ''),
      superOptions: unescape(superOptions ?? '').split(','),
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
