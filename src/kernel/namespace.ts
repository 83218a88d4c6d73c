/**
 * Namespaces as files: /proc/PID/ns, bind mounts of it, open descriptors; and what ioctl(2) answers about them.
 * The kernel gives the inode number of a namespace that has gone to the next one at once, so a number names a namespace only while
 * somebody holds that namespace. Who compares holds: {@link holdNamespace}. See namespaces(7), ioctl_ns(2).
 */
import { fstatSync } from 'node:fs';
import { call } from './call.ts';
import { errno } from './errno.ts';
import { closeFd, procPath } from './file-at.ts';
import { AT_FDCWD, cloneFlags, ioctlRequests, openFlags } from './flags.ts';
import { performNow } from './perform.ts';

/** The kernel's name of a type of namespace: that of its file in /proc/PID/ns. */
export type NamespaceType = 'user' | 'mnt' | 'pid' | 'uts' | 'ipc' | 'net' | 'cgroup' | 'time';

/** What a type is called elsewhere. */
export interface NamespaceKind {
  readonly type: NamespaceType;
  /** The option of unshare(1) and nsenter(1). */
  readonly option: string;
  /** The flag of clone(2), setns(2) and unshare(2); also what NS_GET_NSTYPE answers. */
  readonly flag: number;
  /** What processes in different ones do not share. */
  readonly separates: string;
}

/** All of them: user namespaces first, which own the others. */
export const namespaceKinds: readonly NamespaceKind[] = [
  { type: 'user', option: 'user', flag: cloneFlags.CLONE_NEWUSER, separates: 'user and group ids, capabilities' },
  { type: 'mnt', option: 'mount', flag: cloneFlags.CLONE_NEWNS, separates: 'mounts' },
  { type: 'pid', option: 'pid', flag: cloneFlags.CLONE_NEWPID, separates: 'process ids' },
  { type: 'uts', option: 'uts', flag: cloneFlags.CLONE_NEWUTS, separates: 'host name' },
  { type: 'ipc', option: 'ipc', flag: cloneFlags.CLONE_NEWIPC, separates: 'System V IPC, message queues' },
  { type: 'net', option: 'net', flag: cloneFlags.CLONE_NEWNET, separates: 'interfaces, addresses, routes, ports' },
  { type: 'cgroup', option: 'cgroup', flag: cloneFlags.CLONE_NEWCGROUP, separates: 'the root of the cgroups seen' },
  { type: 'time', option: 'time', flag: cloneFlags.CLONE_NEWTIME, separates: 'monotonic and boot-time clocks' },
];

/** The kind of a type. */
export const namespaceKind = (type: NamespaceType): NamespaceKind => namespaceKinds.find((kind) => kind.type === type)!;

/** A namespace that is held by a descriptor: while that is open, its inode number is no other's. */
export interface HeldNamespace {
  readonly fd: number;
  readonly type: NamespaceType;
  readonly inode: number;
}

/**
 * Opens a namespace's file.
 * @param path of a file of /proc/PID/ns, of a bind mount of one, or of /proc/PID/fd; a link at its end is followed
 * @returns what is held, to be closed; or a negative errno: -ENOTTY where the file is no namespace
 */
export function holdNamespace(path: string): HeldNamespace | number {
  return holdPlace(performNow(call('openat', [AT_FDCWD, path, openFlags.O_PATH | openFlags.O_CLOEXEC, 0])));
}

/**
 * Opens the namespace that a place is. What is no namespace is never opened in earnest: a device or FIFO would notice.
 * @param place a descriptor with O_PATH, which is closed, or a negative errno, which is returned
 */
export function holdPlace(place: number): HeldNamespace | number {
  if (place < 0) return place;
  try {
    const failed = performNow(call('fstatfs', [place, filesystem]));
    if (failed < 0) return failed;
    if (filesystem.readUInt32LE(0) !== NSFS_MAGIC) return -errno.ENOTTY;
    const fd = performNow(call('openat', [AT_FDCWD, procPath(place), openFlags.O_CLOEXEC, 0]));
    return fd < 0 ? fd : held(fd);
  } finally {
    closeFd(place);
  }
}

/** struct statfs of 64-bit architectures: 120 bytes, the type first. See statfs(2). */
const filesystem = Buffer.alloc(120);
const NSFS_MAGIC = 0x6e736673;

/** Takes a descriptor that was opened; closes it where its type is none that we know. */
function held(fd: number): HeldNamespace | number {
  const flag = performNow(call('ioctl', [fd, ioctlRequests.NS_GET_NSTYPE, null]));
  const kind = namespaceKinds.find((each) => each.flag === flag);
  if (kind) return { fd, type: kind.type, inode: fstatSync(fd).ino };
  closeFd(fd);
  return -errno.ENOTTY;
}

/**
 * The user namespace that owns another namespace.
 * @returns what is held, to be closed; or a negative errno: -EPERM where the owner is none of ours to see (above our own)
 */
export function ownerOf(namespace: HeldNamespace): HeldNamespace | number {
  return asked(namespace, ioctlRequests.NS_GET_USERNS);
}

/**
 * The parent of a user or PID namespace.
 * @returns what is held, to be closed; or a negative errno: -EPERM for the first one, and where the parent is none of ours to see
 */
export function parentOf(namespace: HeldNamespace): HeldNamespace | number {
  return asked(namespace, ioctlRequests.NS_GET_PARENT);
}

function asked({ fd }: HeldNamespace, request: number): HeldNamespace | number {
  const answer = performNow(call('ioctl', [fd, request, null]));
  return answer < 0 ? answer : held(answer);
}

/** The user, as this process's user namespace counts, who made a user namespace; undefined for other types. */
export function ownerUidOf({ fd }: HeldNamespace): number | undefined {
  const uid = Buffer.alloc(4);
  return performNow(call('ioctl', [fd, ioctlRequests.NS_GET_OWNER_UID, uid])) < 0 ? undefined : uid.readUInt32LE(0);
}

/** The number that the kernel gives to one namespace only, as long as it runs; from Linux 6.18, undefined before. */
export function namespaceId({ fd }: HeldNamespace): number | undefined {
  const id = Buffer.alloc(8);
  return performNow(call('ioctl', [fd, ioctlRequests.NS_GET_ID, id])) < 0 ? undefined : Number(id.readBigUInt64LE(0));
}

/** Reads the text of a link or of a mount's root, `uts:[4026531838]`. */
export function parseNamespace(text: string): { readonly type: NamespaceType; readonly inode: number } | undefined {
  const [, name, inode] = /^([a-z_]+):\[(\d+)\]$/.exec(text) ?? [];
  const kind = namespaceKinds.find(({ type }) => type === name);
  return kind && { type: kind.type, inode: Number(inode) };
}
