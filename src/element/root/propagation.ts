/** How mounts travel between a mount and its copies in other places and namespaces: shown, and changed. See mount_namespaces(7). */
import { existsSync } from 'node:fs';
import { call, result, type Call } from '../../kernel/call.ts';
import { cloneFlags, mountFlags } from '../../kernel/flags.ts';
import { mountHolding, readMountinfo, type Mount } from '../../kernel/mountinfo.ts';
import { inChild } from '../../network/namespace.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure, type Step } from '../../step/step.ts';
import { ElementError } from '../interpret.ts';
import { propagationOf, type Propagation } from './show.ts';

/** The modes by their names, as mount(8) has them. */
export const modes = {
  private: mountFlags.MS_PRIVATE,
  shared: mountFlags.MS_SHARED,
  slave: mountFlags.MS_SLAVE,
  unbindable: mountFlags.MS_UNBINDABLE,
} as const;
export type Mode = keyof typeof modes;

/** The mount at a path, as a process sees it. @throws ElementError when the path is no mount point */
function mountOf(path: string, pid: number | 'self'): Mount {
  const holder = mountHolding(readMountinfo(pid), path);
  if (holder?.mountPoint === path) return holder;
  if (pid === 'self' && !existsSync(path)) throw new ElementError(`${path} is no mount point: there is no such file or directory`);
  throw new ElementError(
    `${path} is no mount point${holder ? `: it lies on the one at ${holder.mountPoint}` : ''}; make it one with: mount --bind ${word(path)} ${word(path)}`,
  );
}

/** Its propagation. */
export function readPropagation(path: string, pid: number | 'self'): Propagation {
  return propagationOf(mountOf(path, pid));
}

/**
 * Sets it.
 * @param pid of a process in whose mount namespace it is set; absent: our own
 * @param recursive for all mounts below, too
 */
export function* setPropagation(path: string, mode: Mode, options: { readonly pid?: number; readonly recursive: boolean }): Procedure {
  const { pid, recursive } = options;
  mountOf(path, pid ?? 'self'); // or it says what there is
  const set = change(path, modes[mode], recursive);
  const enter = pid === undefined ? '' : `nsenter --target ${pid} --mount `;
  yield* step({
    id: 'root.propagation',
    what: `Make ${path}${recursive ? ', and all below it,' : ''} ${mode}${pid === undefined ? '' : `, in the mount namespace of process ${pid}`}`,
    ...(pid === undefined ? { calls: [set] } : ofProcess(pid, set)),
    shell: `${enter}mount --make-${recursive ? 'r' : ''}${mode} ${word(path)}`,
    look: `${enter}findmnt -o TARGET,PROPAGATION ${word(path)}`,
    undone: 'stays: a mount that has left its peer group, or its master, does not come back to it',
  });
}

/** mount(2) with nothing but the mode: what is mounted stays as it is. */
function change(path: string, propagation: number, recursive: boolean): Call {
  return call('mount', [null, path, null, propagation | (recursive ? mountFlags.MS_REC : 0), null]);
}

/** The same by a child that joins the process's mount namespace. */
function ofProcess(pid: number, change_: Call): Pick<Step, 'calls' | 'inside'> {
  const open = call('pidfd_open', [pid, 0], { label: 'process' });
  const enter = call('setns', [result(open), cloneFlags.CLONE_NEWNS]);
  const inside = [open, enter, change_];
  return {
    calls: [inChild(inside, 'child')],
    inside: [
      {
        id: 'root.propagation.child',
        what: `Enter the mount namespace of process ${pid} and do it there`,
        calls: inside,
        shell: '',
        look: 'cat /proc/self/mountinfo',
        undone: 'is undone by the step that it is part of',
      },
    ],
  };
}
