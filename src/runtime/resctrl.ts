/**
 * Groups of the resctrl file system: what share of processor caches and of memory bandwidth their tasks have. The kernel's
 * Documentation/filesystems/resctrl.rst; runtime-spec config-linux.md "IntelRdt".
 */
import { call, result, type CallOptions } from '../kernel/call.ts';
import { readText } from '../kernel/cgroupfs.ts';
import { errno } from '../kernel/errno.ts';
import { AT_FDCWD, atFlags, openFlags } from '../kernel/flags.ts';
import { word } from '../step/shell.ts';
import { step, type Procedure, type Step } from '../step/step.ts';

/** A group that a container's processes are to be in. */
export interface ResctrlGroup {
  /** Where resctrl is mounted. */
  readonly mountPoint: string;
  readonly directory: string;
  /** It is not there yet. */
  readonly isNew: boolean;
  /** It is the container's alone, and goes with it. */
  readonly isOwn: boolean;
  /** Lines of its file `schemata` that are to be written. */
  readonly schemata?: string;
}

/** Makes the group, if it is not there, with its shares. */
export function* makeGroup({ mountPoint, directory, isNew, isOwn, schemata }: ResctrlGroup): Procedure {
  if (isNew) {
    const make = call('mkdirat', [AT_FDCWD, directory, 0o755], told(mountPoint));
    yield* step({
      id: 'resctrl.group',
      what: `Make the group ${directory}, which has shares of caches and of memory bandwidth`,
      calls: [make],
      shell: `mkdir ${word(directory)}`,
      look: `ls ${word(directory)}`,
      ...(isOwn ? { undo: [remove(directory)].map((undo) => ({ ...undo, undoes: make })) } : { undone: 'stays: other containers may have come' }),
      ...(isOwn ? { shellUndo: `rmdir ${word(directory)}` } : {}),
    });
  }
  if (schemata !== undefined) yield* setSchemata(mountPoint, directory, schemata);
}

/** Sets a group's shares: one write, so that it has all of them or none. */
export function* setSchemata(mountPoint: string, directory: string, schemata: string): Procedure {
  const path = `${directory}/schemata`;
  const text = `${schemata}\n`; // without the last line's end the kernel takes nothing
  const open = call('openat', [AT_FDCWD, path, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'fd' });
  yield* step({
    id: 'resctrl.schemata',
    what: `Give the group ${directory} its shares: ${schemata.replaceAll('\n', ', ')}`,
    calls: [open, call('write', [result(open), Buffer.from(text), Buffer.byteLength(text)], told(mountPoint))],
    finally: [call('close', [result(open)])],
    shell: `printf '%s\\n' ${word(schemata)} >${word(path)}`,
    look: `cat ${word(path)}`,
    undone: 'goes with the group',
  });
}

/** The new process enters a group itself: 0 is whoever writes. What it starts is there, too. */
export function enterGroupStep(directory: string): Step {
  const path = `${directory}/tasks`;
  const open = call('openat', [AT_FDCWD, path, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'fd' });
  return {
    id: 'resctrl.enter',
    what: `Enter the group ${directory}`,
    calls: [open, call('write', [result(open), Buffer.from('0'), 1]), call('close', [result(open)])],
    shell: `echo 0 >${word(path)}`,
    hand: `echo $PID >${word(path)}`,
    look: `cat ${word(path)}`,
  };
}

/** Removes a group; that it is gone is no failure. */
export function* removeGroup(directory: string): Procedure {
  yield* step({
    id: 'resctrl.remove',
    what: `Remove the group ${directory}`,
    calls: [remove(directory)],
    shell: `rmdir ${word(directory)}`,
    look: `ls -d ${word(directory)}`,
    undone: 'is itself the end of something',
  });
}

const remove = (directory: string) => call('unlinkat', [AT_FDCWD, directory, atFlags.AT_REMOVEDIR], { accept: [errno.ENOENT] });

/** What the kernel says of the last command that it refused. */
const told = (mountPoint: string): CallOptions => ({ failureDetail: () => readText(`${mountPoint}/info/last_cmd_status`)?.trim() });
