/**
 * Keeping a namespace alive without a process: its file of /proc/PID/ns is bound to a path, as `ip netns` does below /run/netns. It goes
 * when the path is unmounted and nobody else holds it. See namespaces(7), "Namespace lifetime".
 */
import { lstatSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { call, type Call } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import { closeFd, procPath } from '../../kernel/file-at.ts';
import { AT_FDCWD, mountFlags, umountFlags } from '../../kernel/flags.ts';
import { mountAt, readMountinfo } from '../../kernel/mountinfo.ts';
import type { HeldNamespace, NamespaceType } from '../../kernel/namespace.ts';
import { performNow } from '../../kernel/perform.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import { holdOf, ProcessDirectory } from './processes.ts';

/**
 * Binds a process's namespace to a path. The file is made where it is not there.
 * @throws ElementError when the process is gone or another user's, or the path is taken
 */
export function* keepNamespace(pid: number, type: NamespaceType, name: string): Procedure {
  const held = hold(pid, type);
  try {
    yield* keepHeld(pid, held, placeOf(name));
  } finally {
    closeFd(held.fd);
  }
}

function* keepHeld(pid: number, { type, fd }: HeldNamespace, path: string): Procedure {
  const stat = attemptStat(path);
  if (stat && !stat.isFile())
    throw new ElementError(`${path} is taken by something that is no plain file: a namespace is bound to a file; name one that is not there yet`);
  if (isBound(path)) throw new ElementError(`a namespace is kept at ${path} already: let it go with: hako ns release ${path}`);
  yield* keepNamespaceStep(pid, type, path, { isThere: stat !== undefined, held: procPath(fd) });
}

/**
 * The step of it.
 * @param isThere the path is a file already, and stays when this is undone
 * @param held where the namespace is held: the process's id may be another's by now
 */
export function keepNamespaceStep(
  pid: number,
  type: NamespaceType,
  path: string,
  { isThere, held }: { readonly isThere: boolean; readonly held: string },
): Procedure {
  const source = `/proc/${pid}/ns/${type}`;
  const bind = (from: string): Call => call('mount', [from, path, null, mountFlags.MS_BIND, null]);
  const quoted = word(path);
  return step({
    id: 'namespace.keep',
    what: `Keep the ${type} namespace of process ${pid} alive at ${path}`,
    calls: [call('mknodat', [AT_FDCWD, path, 0o100444, 0], { accept: [errno.EEXIST] }), { ...bind(source), perform: () => performNow(bind(held)) }],
    shell: `touch ${quoted}; mount --bind ${source} ${quoted}`,
    look: `grep ' nsfs ' /proc/self/mountinfo`,
    undo: [
      call('umount2', [path, umountFlags.MNT_DETACH | umountFlags.UMOUNT_NOFOLLOW], { accept: [errno.EINVAL] }),
      ...(isThere ? [] : [call('unlinkat', [AT_FDCWD, path, 0], { accept: [errno.ENOENT] })]),
    ],
  });
}

function hold(pid: number, type: NamespaceType): HeldNamespace {
  const directory = ProcessDirectory.of(pid);
  try {
    const held = holdOf(directory, type);
    if (!held) throw new ElementError(`this kernel has no ${type} namespaces`);
    return held;
  } finally {
    directory.close();
  }
}

/** The path as the kernel tells mount points: no directory above it is a link. */
function placeOf(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return resolve(path); // the step says what is wrong with it
  }
}

function attemptStat(path: string): ReturnType<typeof lstatSync> | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined; // the step says what is wrong with it, where it is more than that there is none
  }
}

const isBound = (path: string): boolean => mountAt(readMountinfo(), path)?.type === 'nsfs';

/** Lets go of a namespace that is kept at a path, and takes the file away. @throws ElementError when none is kept there */
export function* releaseNamespace(name: string): Procedure {
  const path = placeOf(name);
  if (!isBound(path)) throw new ElementError(`no namespace is kept at ${path}: "hako ns ls" shows those that are`);
  yield* releaseNamespaceStep(path);
}

/** The step of it. */
export function releaseNamespaceStep(path: string): Procedure {
  const quoted = word(path);
  return step({
    id: 'namespace.release',
    what: `Let go of the namespace that is kept at ${path}`,
    calls: [call('umount2', [path, umountFlags.MNT_DETACH | umountFlags.UMOUNT_NOFOLLOW]), call('unlinkat', [AT_FDCWD, path, 0])],
    shell: `umount -l ${quoted} && rm ${quoted}`,
    look: `grep ' nsfs ' /proc/self/mountinfo`,
    undone: 'is itself the end of something',
  });
}
