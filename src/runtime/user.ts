/**
 * Who a container's process runs as: Docker's `--user` and `--group-add`, looked up in the image's own /etc/passwd and
 * /etc/group. Those files are hostile: they are read beneath the root, bounded, and only when they are regular files.
 * See passwd(5), group(5).
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { errno, KernelError } from '../kernel/errno.ts';
import { closeFd, procPath, S_IFMT, S_IFREG, statFd, tryOpenInRoot } from '../kernel/file-at.ts';
import { openFlags } from '../kernel/flags.ts';

/** A user, resolved to numbers. */
export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
  /** The supplementary groups, the primary one first: setgroups(2) gets exactly these. */
  readonly additionalGids: number[];
  /** The home directory, `/` where the image names none. */
  readonly home: string;
}

/** A user or group that cannot be resolved. */
export class UserError extends Error {
  override readonly name = 'UserError';
}

/** The largest id, as Docker and the C library's tools have it; 2^32−1 would mean "leave unchanged" to the kernel. */
const maxId = 2 ** 31 - 1;
const maxFileSize = 1 << 20;
/** NGROUPS_MAX of the kernel. */
const maxGroups = 65536;

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * Resolves a user.
 * @param rootfd a descriptor of the container's root directory
 * @param user `` (root), `name`, `uid`, and each with `:group` or `:gid`. All digits are a number, even where a user has that name
 * @param groupAdd names and numbers of further groups
 * @throws UserError when a name is not in the image's files, a number is out of range, or a file is not usable
 */
export function resolveUser(rootfd: number, user: string, groupAdd: readonly string[] = []): ContainerUser {
  const colon = user.indexOf(':');
  const userPart = colon < 0 ? user : user.slice(0, colon);
  const groupPart = colon < 0 ? '' : user.slice(colon + 1);
  const asked = userPart === '' ? 0 : parseId(userPart, 'user');

  const entry = parsePasswd(readDatabase(rootfd, '/etc/passwd')).find((e) => (asked === undefined ? e.name === userPart : e.uid === asked));
  if (!entry && asked === undefined) throw new UserError(`unable to find user ${userPart}: no matching entries in passwd file`);
  const uid = entry?.uid ?? asked ?? 0;

  const groupsAreNeeded = groupPart !== '' || groupAdd.length > 0 || entry !== undefined;
  const groups = groupsAreNeeded ? parseGroup(readDatabase(rootfd, '/etc/group')) : [];
  const gid = groupPart === '' ? (entry?.gid ?? 0) : findGroup(groups, groupPart);
  // A group given with the user replaces the groups that the files give that user.
  const member = groupPart === '' && entry ? groups.filter((g) => g.members.includes(entry.name)).map((g) => g.gid) : [];
  const additionalGids = [...new Set([gid, ...member, ...groupAdd.map((name) => findGroup(groups, name))])];
  if (additionalGids.length > maxGroups) throw new UserError(`user ${user || 'root'} is in ${additionalGids.length} groups; the kernel takes ${maxGroups}`);
  return { uid, gid, additionalGids, home: entry?.home || '/' };
}

/** A number, or undefined for what must be a name. */
function parseId(text: string, kind: 'user' | 'group'): number | undefined {
  if (!/^-?\d+$/.test(text)) return undefined;
  const id = Number(text);
  if (id < 0 || id > maxId || text.startsWith('-')) throw new UserError(`${kind} ${text} is not valid: uids and gids must be in range 0-${maxId}`);
  return id;
}

function findGroup(groups: readonly GroupEntry[], text: string): number {
  const id = parseId(text, 'group');
  if (id !== undefined) return id;
  const group = groups.find((g) => g.name === text);
  if (!group) throw new UserError(`unable to find group ${text}: no matching entries in group file`);
  return group.gid;
}

/** Lines with a number that is none, or out of range, are as if not there: never uid 0 by mistake. */
function parsePasswd(text: string): PasswdEntry[] {
  return fields(text).flatMap(([name = '', , uid = '', gid = '', , home = '']) =>
    isId(uid) && isId(gid) && name !== '' ? [{ name, uid: Number(uid), gid: Number(gid), home }] : [],
  );
}

function parseGroup(text: string): GroupEntry[] {
  return fields(text).flatMap(([name = '', , gid = '', members = '']) =>
    isId(gid) && name !== '' ? [{ name, gid: Number(gid), members: members.split(',') }] : [],
  );
}

const fields = (text: string): string[][] => text.split('\n').map((line) => line.trim().split(':'));
const isId = (text: string): boolean => text.length <= 10 && /^\d+$/.test(text) && Number(text) <= maxId;

/**
 * The home directory of a user, `/` where none is known.
 * @param passwd where passwd(5) is beneath the root
 */
export function homeOf(rootfd: number, uid: number, passwd = '/etc/passwd'): string {
  try {
    return parsePasswd(readDatabase(rootfd, passwd)).find((entry) => entry.uid === uid)?.home || '/';
  } catch (error) {
    if (error instanceof UserError) return '/';
    throw error;
  }
}

/** The text of /etc/passwd or /etc/group; empty where the image has none. */
function readDatabase(rootfd: number, path: string): string {
  // O_PATH first: opening a device or FIFO in earnest could have an effect, or wait.
  const fd = tryOpenInRoot(rootfd, path, openFlags.O_PATH);
  if (fd === -errno.ENOENT || fd === -errno.ENOTDIR || fd === -errno.ELOOP) return '';
  if (fd < 0) throw new UserError(new KernelError(`the image's ${path} cannot be opened: openat2`, -fd).message);
  try {
    const { mode, size } = statFd(fd);
    if ((mode & S_IFMT) !== S_IFREG) throw new UserError(`the image's ${path} is not a regular file, so no user can be looked up in it`);
    if (size > maxFileSize) throw tooLarge(path);
    // Also what a link to procfs leads to, where reading may wait for ever: /proc/kmsg.
    if (size === 0) return '';
    return readBounded(procPath(fd), path);
  } finally {
    closeFd(fd);
  }
}

const tooLarge = (path: string): UserError => new UserError(`the image's ${path} is larger than ${maxFileSize} bytes, which is more than is read`);

/** Reads no more than the limit, however the file grows or whatever size it claims. */
function readBounded(open: string, path: string): string {
  const fd = openSync(open, 'r');
  try {
    let buffer = Buffer.allocUnsafe(16384);
    let length = 0;
    for (;;) {
      const read = readSync(fd, buffer, length, buffer.length - length, null);
      if (read === 0) return buffer.toString('utf8', 0, length);
      length += read;
      if (length > maxFileSize) throw tooLarge(path);
      if (length === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 4);
    }
  } finally {
    closeSync(fd);
  }
}
