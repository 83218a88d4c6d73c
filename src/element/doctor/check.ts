/**
 * What `hako doctor` is made of: a check says what this machine can do, why not where it cannot, and what would help. What can be tried
 * without harm is tried, by a short-lived child in namespaces of its own, so that it all goes with the child; the rest is read.
 */
import { call, result, type Call } from '../../kernel/call.ts';
import { KernelError } from '../../kernel/errno.ts';
import { AT_FDCWD, cloneFlags, mountFlags, openFlags } from '../../kernel/flags.ts';
import { runInChild } from '../../kernel/launch/child.ts';
import { mayMount } from '../overlay/mount.ts';

/** One sentence or phrase in each language. */
export interface Text {
  readonly en: string;
  readonly ja: string;
}

/** `limited`: part of it is there, or it could not be found out. */
export type Status = 'ok' | 'limited' | 'missing';

/** What was found out about one thing. */
export interface Check {
  /** Stable, for programs. */
  readonly id: string;
  readonly name: Text;
  readonly status: Status;
  /** Containers cannot be run without it. */
  readonly essential: boolean;
  /** Whether it was really done, or a file of the kernel's was believed. */
  readonly how: 'tried' | 'read';
  /** What is there. */
  readonly found: Text;
  /** Why it is not ok, and what would help. */
  readonly reason?: Text | undefined;
  readonly remedy?: Text | undefined;
  /** The same for programs: names as the kernel has them. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A text that is the same in both languages: numbers, names, paths. */
export const same = (text: string): Text => ({ en: text, ja: text });

/** A call that failed, and how. */
export interface Failure {
  readonly call: string;
  /** The errno's name. */
  readonly code: string;
}

/** `unshare(CLONE_NEWUSER): EPERM`; what is long of the call is left out. */
export const failureText = ({ call: text, code }: Failure): string => `${text.length > 60 ? `${text.slice(0, 56)}…` : text}: ${code}`;

/** The kernel refuses this user, which says nothing of what root could do. */
export const refused = ({ code }: Failure): boolean => process.geteuid?.() !== 0 && (code === 'EPERM' || code === 'EACCES');

/** For `refused`. */
export const asRoot: Text = { en: 'ask again as root: sudo hako doctor', ja: 'root でもう一度確かめてください: sudo hako doctor' };

/** The calls that open a file, write to it and close it. */
function write(path: string, text: string): Call[] {
  const file = call('openat', [AT_FDCWD, path, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0]);
  return [file, call('write', [result(file), Buffer.from(text), text.length]), call('close', [result(file)])];
}

/**
 * The calls by which a child goes where it may do anything and harm nothing: into new namespaces, which it owns by a user namespace where
 * the caller is not privileged. There it is root, and no mount of its own travels to the machine.
 * @param flags new namespaces beside the mount namespace
 */
export function apart(flags = 0, userNamespace = !mayMount()): Call[] {
  const ids = (id: number): string => `0 ${id} 1`;
  return [
    ...(userNamespace
      ? [
          call('unshare', [cloneFlags.CLONE_NEWUSER]),
          ...write('/proc/self/setgroups', 'deny'),
          ...write('/proc/self/uid_map', ids(process.geteuid!())),
          ...write('/proc/self/gid_map', ids(process.getegid!())),
        ]
      : []),
    call('unshare', [cloneFlags.CLONE_NEWNS | flags]),
    call('mount', [null, '/', null, mountFlags.MS_REC | mountFlags.MS_PRIVATE, null]),
  ];
}

/** Makes calls in a child with descriptors of its own. @returns the one that failed, after which none is made; undefined when all went well */
export function attempt(calls: readonly Call[]): Failure | undefined {
  const tried = leave([call('unshare', [cloneFlags.CLONE_FILES]), ...calls]);
  return Array.isArray(tried) ? undefined : tried;
}

/** The same with our descriptors: what it opens stays. @returns what the calls returned, or the one that failed */
export function leave(calls: readonly Call[]): number[] | Failure {
  try {
    return runInChild(calls);
  } catch (error) {
    if (error instanceof KernelError) return { call: error.call, code: error.code };
    // A filter killed it.
    return { call: (error as Error).message, code: 'SIGSYS' };
  }
}

/** A check of something that is tried: ok when nothing failed; limited where only this user may not; else missing. */
export function tried(
  about: Pick<Check, 'id' | 'name' | 'essential' | 'found'>,
  failure: Failure | undefined,
  remedy: Text,
  facts: Readonly<Record<string, unknown>> = {},
): Check {
  if (!failure) return { ...about, status: 'ok', how: 'tried', facts };
  const only = refused(failure);
  return {
    ...about,
    status: only ? 'limited' : 'missing',
    how: 'tried',
    found: only
      ? { en: 'not known: this user may not try', ja: '不明: このユーザーには試せません' }
      : { en: 'refused by the kernel', ja: 'カーネルが拒みました' },
    reason: same(failureText(failure)),
    remedy: only ? asRoot : remedy,
    facts: { ...facts, failed: failure },
  };
}

/** A value that the kernel returned, as a failure if it is one. */
export const failureOf = (text: string, returned: number): Failure | undefined =>
  returned < 0 ? { call: text, code: new KernelError(text, -returned).code } : undefined;
