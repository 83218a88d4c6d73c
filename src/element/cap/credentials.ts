/**
 * What a process holds: user and group ids, the five capability sets, securebits, no_new_privs, and in which user namespace all that
 * counts. Read from /proc; securebits the kernel tells nobody but the process itself. See credentials(7), capabilities(7), prctl(2).
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { call } from '../../kernel/call.ts';
import { parseCapabilityMasks, type CapabilityMasks } from '../../kernel/capability.ts';
import { prctlOptions } from '../../kernel/flags.ts';
import { must } from '../../kernel/perform.ts';
import { inOwnIds, readIdMaps } from '../../runtime/id-map.ts';
import type { IdMapping } from '../../runtime/spec.ts';
import { forbidden, isForbidden, isGone, ProcessDirectory, vanished } from '../ns/processes.ts';

/** User ids, or group ids, as credentials(7) names them. */
export interface Ids {
  readonly real: number;
  readonly effective: number;
  readonly saved: number;
}

/** The credentials that execve(2) looks at. Ids are those that this process sees. */
export interface Credentials {
  readonly uids: Ids;
  readonly gids: Ids;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  readonly sets: CapabilityMasks;
  readonly securebits: number;
  readonly noNewPrivileges: boolean;
  /** The user id that is root in its user namespace; undefined where nobody is. */
  readonly root: number | undefined;
}

/** A process and what it holds. */
export interface ProcessCredentials extends Credentials {
  readonly pid: number;
  readonly command: string;
  /** Whether {@link Credentials.securebits} is the kernel's answer, or taken to be 0 because only the process itself can ask. */
  readonly securebitsKnown: boolean;
  readonly seccomp: number;
  readonly namespace: UserNamespace;
}

/** The user namespace in which a process's capabilities count. */
export interface UserNamespace {
  /**
   * The link's text, `user:[4026531837]`; undefined where the kernel does not show it (ptrace(2), "Ptrace access mode checking"):
   * the process is another user's, or holds capabilities that this one lacks.
   */
  readonly id?: string;
  /** Whether it is the one that this process is in. */
  readonly same?: boolean;
  /** The machine's first, which has no other above it. */
  readonly initial?: boolean;
  /** As /proc tells them: of our own namespace in its parent's ids; see {@link idsHere}. */
  readonly uidMap: readonly IdMapping[];
  readonly gidMap: readonly IdMapping[];
}

/** The inode number of the first user namespace; include/linux/proc_ns.h, PROC_USER_INIT_INO. */
const initialNamespace = 'user:[4026531837]';

/** Reads a process. @throws ElementError when it is gone */
export function readCredentials(pid: number): ProcessCredentials {
  const directory = ProcessDirectory.of(pid);
  try {
    return credentialsIn(directory);
  } finally {
    directory.close();
  }
}

/** The same of a process whose directory is held. @throws ElementError when it has ended */
export function credentialsIn(directory: ProcessDirectory): ProcessCredentials {
  const { pid, path } = directory;
  try {
    const status = readFileSync(`${path}/status`, 'utf8');
    const namespace = readNamespace(directory);
    const own = pid === process.pid;
    return {
      pid,
      command: field(status, 'Name'),
      ...parseCredentials(status, own ? must(call('prctl', [prctlOptions.PR_GET_SECUREBITS, 0, 0, 0, 0])) : 0),
      securebitsKnown: own,
      seccomp: Number(field(status, 'Seccomp') || 0),
      namespace,
      root: idsHere(namespace)
        .uidMap.map((m) => (m.containerID === 0 ? m.hostID : undefined))
        .find((id) => id !== undefined),
    };
  } catch (error) {
    if (isGone(error)) throw vanished(pid);
    if (isForbidden(error)) throw forbidden(pid, 'the credentials');
    throw error;
  }
}

/** The credentials in the text of /proc/PID/status. */
export function parseCredentials(status: string, securebits: number): Omit<Credentials, 'root'> {
  const ids = (name: string): Ids => {
    const [real = 0, effective = 0, saved = 0] = field(status, name).split('\t').map(Number);
    return { real, effective, saved };
  };
  return {
    uids: ids('Uid'),
    gids: ids('Gid'),
    groups: field(status, 'Groups').split(' ').filter(Boolean).map(Number),
    sets: parseCapabilityMasks(status),
    securebits,
    noNewPrivileges: field(status, 'NoNewPrivs') === '1',
  };
}

const field = (status: string, name: string): string => new RegExp(`^${name}:\\t(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';

/** The maps of a namespace in the ids that this process counts in. */
export function idsHere({ same, uidMap, gidMap }: UserNamespace): Pick<UserNamespace, 'uidMap' | 'gidMap'> {
  return same ? { uidMap: inOwnIds(uidMap), gidMap: inOwnIds(gidMap) } : { uidMap, gidMap };
}

function readNamespace({ path }: ProcessDirectory): UserNamespace {
  const { uidMappings: uidMap, gidMappings: gidMap } = readIdMaps(path);
  try {
    const id = readlinkSync(`${path}/ns/user`);
    return { id, same: id === readlinkSync('/proc/self/ns/user'), initial: id === initialNamespace, uidMap, gidMap };
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return { uidMap, gidMap };
  }
}

/** One securebit: its number, its name in capabilities(7), the name that `--securebits` takes, and what it changes. */
export interface Securebit {
  readonly bit: number;
  readonly name: string;
  readonly option: string;
  readonly meaning: string;
}

const bit = (n: number, name: string, option: string, meaning: string): Securebit[] => [
  { bit: 1 << n, name: `SECBIT_${name}`, option, meaning },
  { bit: 1 << (n + 1), name: `SECBIT_${name}_LOCKED`, option: `${option}-locked`, meaning: `${option} stays as it is, for good` },
];

/** All securebits. include/uapi/linux/securebits.h. */
export const securebitNames: readonly Securebit[] = [
  ...bit(0, 'NOROOT', 'noroot', 'uid 0 gains nothing by execve: root is a user like any other'),
  ...bit(2, 'NO_SETUID_FIXUP', 'no-setuid-fixup', 'changing from and to uid 0 leaves the sets as they are'),
  ...bit(4, 'KEEP_CAPS', 'keep-caps', 'the permitted set survives leaving uid 0, until the next execve'),
  ...bit(6, 'NO_CAP_AMBIENT_RAISE', 'no-cap-ambient-raise', 'nothing can be added to the ambient set'),
];

export const securebits = { NOROOT: 1, NO_SETUID_FIXUP: 4, KEEP_CAPS: 16, KEEP_CAPS_LOCKED: 32, NO_CAP_AMBIENT_RAISE: 64 } as const;
