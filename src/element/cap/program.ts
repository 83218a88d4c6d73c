/**
 * A program as execve(2) finds it: through `#!` lines to the file whose bits and capabilities count, and what counts of them for a process.
 * See execve(2), "Interpreter scripts"; capabilities(7); statfs(2).
 */
import { openSync, readSync } from 'node:fs';
import { call } from '../../kernel/call.ts';
import { capabilityMask } from '../../kernel/capability.ts';
import { errno, errnoMessage, errnoName } from '../../kernel/errno.ts';
import { capabilityAttribute, parseFileCapabilities, type FileCapabilities } from '../../kernel/file-capability.ts';
import { closeFd, procPath, S_IFDIR, S_IFMT, S_IFREG, statFd, toBytes, toText, tryOpenInRoot, type ByteString, type FileStatus } from '../../kernel/file-at.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { must, performNow } from '../../kernel/perform.ts';
import { getXattr } from '../../kernel/xattr.ts';
import type { IdMapping } from '../../runtime/spec.ts';
import { candidatesFor } from '../../runtime/program-steps.ts';
import { ElementError } from '../interpret.ts';
import type { Credentials } from './credentials.ts';
import type { ProgramFile } from './execve.ts';

/** What decides whether a file may be executed. */
interface Executable {
  readonly path: string;
  readonly mode: number;
  readonly owner: number;
  readonly group: number;
  readonly noexec: boolean;
}

/** A file that execve will look at. Mode, owner and the rest are those of the file that counts. */
export interface Program extends Executable {
  /** As it was asked for. */
  readonly path: string;
  /** The script and its interpreters, in order; the last one is the file that counts. */
  readonly chain: readonly string[];
  /** Those before the last one: they, too, must be executable. */
  readonly scripts: readonly Executable[];
  readonly capabilities?: FileCapabilities;
  readonly nosuid: boolean;
}

/** BINPRM_BUF_SIZE: as much of a `#!` line as the kernel reads. */
const lineBytes = 256;
/** How many interpreters of interpreters the kernel follows. */
const mostInterpreters = 5;

/**
 * Finds and reads a program.
 * @param name a path, or a name that is looked for in PATH of `env`
 * @param rootfd the root directory in which paths are meant: a descriptor; default: our own
 * @throws ElementError when there is none, or it is no program
 */
export function readProgram(name: string, env: readonly string[], rootfd?: number): Program {
  let fd = -errno.ENOENT;
  let path = name;
  for (const candidate of candidatesFor(name, env)) {
    fd = open(toBytes(candidate), rootfd);
    path = candidate;
    if (fd >= 0) break;
  }
  const chain = [path];
  const scripts: Executable[] = [];
  try {
    for (;;) {
      if (fd < 0)
        throw new ElementError(
          `${chain.at(-1)}: ${errnoMessage(-fd)} (${errnoName(-fd)})${chain.length > 1 ? `, which ${chain[0]} names as its interpreter` : ''}`,
          fd === -errno.ENOENT ? 127 : 126,
        );
      const status = statFd(fd);
      if ((status.mode & S_IFMT) !== S_IFREG)
        throw new ElementError(
          `${chain.at(-1)} is ${(status.mode & S_IFMT) === S_IFDIR ? 'a directory' : 'no regular file'}, so it cannot be executed (EACCES)`,
          126,
        );
      const interpreter = interpreterOf(fd);
      if (interpreter === undefined || chain.length > mostInterpreters) return describe(path, chain, scripts, fd, status);
      scripts.push(executable(chain.at(-1)!, status, mountFlagsOf(fd)));
      closeFd(fd);
      chain.push(toText(interpreter));
      fd = open(interpreter, rootfd);
    }
  } finally {
    if (fd >= 0) closeFd(fd);
  }
}

function open(path: ByteString, rootfd: number | undefined): number {
  if (rootfd !== undefined) return tryOpenInRoot(rootfd, path, openFlags.O_PATH);
  return performNow(call('openat', [AT_FDCWD, Buffer.from(`${path}\0`, 'latin1'), openFlags.O_PATH | openFlags.O_CLOEXEC, 0]));
}

/** The interpreter of a script; undefined for anything else, and for what cannot be read (it can still be executed). */
function interpreterOf(place: number): ByteString | undefined {
  let fd: number;
  try {
    fd = openSync(procPath(place), 'r');
  } catch {
    return undefined;
  }
  try {
    const bytes = Buffer.alloc(lineBytes);
    const line = bytes.toString('latin1', 0, readSync(fd, bytes, 0, lineBytes, 0));
    return /^#![ \t]*([^ \t\n\0]+)/.exec(line)?.[1];
  } catch {
    return undefined; // of /proc or another kernel's file system, whose files need not be read as others
  } finally {
    closeFd(fd);
  }
}

/** struct statfs of 64-bit architectures: f_flags at 88. See statfs(2), statvfs(3). */
const filesystem = Buffer.alloc(120);
const statfsFlags = 88 - 8;
const [ST_NOSUID, ST_NOEXEC] = [2, 8];

function mountFlagsOf(fd: number): number {
  must(call('fstatfs', [fd, filesystem]));
  return filesystem.readUInt32LE(statfsFlags);
}

const executable = (path: string, { mode, uid, gid }: FileStatus, flags: number): Executable => ({
  path,
  mode: mode & 0o7777,
  owner: uid,
  group: gid,
  noexec: (flags & ST_NOEXEC) !== 0,
});

function describe(path: string, chain: readonly string[], scripts: readonly Executable[], fd: number, status: FileStatus): Program {
  const flags = mountFlagsOf(fd);
  const capabilities = fileCapabilities(fd, chain.at(-1)!);
  return { ...executable(path, status, flags), chain, scripts, ...(capabilities ? { capabilities } : {}), nosuid: (flags & ST_NOSUID) !== 0 };
}

/** The capabilities of an open file; undefined where it has none. @throws ElementError where the attribute is not understood */
export function fileCapabilities(fd: number, path: string): FileCapabilities | undefined {
  const bytes = getXattr(fd, capabilityAttribute);
  if (bytes === undefined) return undefined;
  const parsed = parseFileCapabilities(bytes);
  if (!parsed)
    throw new ElementError(
      `${path} has a ${capabilityAttribute} attribute of ${bytes.length} bytes that is none: the kernel refuses to run it (EINVAL); remove it with: hako cap file remove ${path}`,
    );
  return parsed;
}

/** The user namespace that a process is in, as far as a file's ids matter: who is root in it, and which ids it knows. */
export interface Namespace {
  readonly root: number | undefined;
  readonly uidMap?: readonly IdMapping[];
  readonly gidMap?: readonly IdMapping[];
}

/** What of a program counts for a process in a namespace. */
export function fileFor(program: Program, namespace: Namespace): ProgramFile {
  const { mode, owner, group, capabilities, nosuid } = program;
  const known = idsKnown(program, namespace); // otherwise neither bit counts
  // Revision 2 is shown to us where it counts for us, and so in all namespaces below. Of revision 3 one between ours and the
  // process's could be meant: those are not looked at.
  const counts = capabilities !== undefined && (capabilities.rootid === undefined || capabilities.rootid === namespace.root);
  return {
    ...(mode & 0o4000 && known ? { setuid: owner } : {}),
    ...((mode & 0o2010) === 0o2010 && known ? { setgid: group } : {}),
    ...(counts ? { capabilities } : {}),
    nosuid,
  };
}

/** Whether a namespace knows the ids of a file: only then do its capabilities count for the file; user_namespaces(7). */
function idsKnown({ owner, group }: Executable, { uidMap, gidMap }: Namespace): boolean {
  const mapped = (id: number, map: readonly IdMapping[] | undefined): boolean => map?.some((m) => id >= m.hostID && id < m.hostID + m.size) ?? true;
  return mapped(owner, uidMap) && mapped(group, gidMap);
}

/** Why a process may not execute the file at all, as far as mode bits and the mount say (ACLs and directories on the way are not looked at). */
export function notExecutable(program: Program, credentials: Credentials, namespace: Namespace): string | undefined {
  for (const file of [...program.scripts, { ...program, path: program.chain.at(-1)! }]) {
    const why = refusalOf(file, credentials, namespace);
    if (why !== undefined) return program.scripts.length > 0 ? `${file.path}: ${why}` : why;
  }
  return undefined;
}

function refusalOf(file: Executable, { uids, gids, groups, sets }: Credentials, namespace: Namespace): string | undefined {
  if (file.noexec) return 'its mount has noexec (EACCES)';
  if ((file.mode & 0o111) === 0) return 'it is executable for nobody (EACCES)';
  if (sets.effective & capabilityMask(['CAP_DAC_OVERRIDE']) && idsKnown(file, namespace)) return undefined;
  const isOwner = file.owner === uids.effective;
  const isMember = file.group === gids.effective || groups.includes(file.group);
  const allowed = isOwner ? 0o100 : isMember ? 0o010 : 0o001;
  return file.mode & allowed
    ? undefined
    : `its mode ${file.mode.toString(8)} does not let ${isOwner ? 'its owner' : isMember ? 'its group' : 'others'} execute it (EACCES)`;
}
