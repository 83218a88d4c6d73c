/**
 * Runs criu(8) to restore: in a mount namespace of its own, where the root file system is a mount, as criu wants it, that nobody else
 * sees. The restored first process becomes our child, as that of `create` is.
 */
import { closeSync, openSync } from 'node:fs';
import { call, result, type Call } from '../../kernel/call.ts';
import { AT_FDCWD, cloneFlags, mountAttrs, mountFlags, moveMountFlags, openTreeFlags, waitFlags } from '../../kernel/flags.ts';
import { rawSyscallAsync } from '../../kernel/ffi.ts';
import { refusedRows, rows } from '../../kernel/launch/table.ts';
import { unblockSignals, vforkTable } from '../../kernel/launch/child.ts';
import { errnoMessage, errnoName } from '../../kernel/errno.ts';
import { OciError } from '../error.ts';
import { notRunnable } from './run.ts';

/** Under which number criu finds descriptor n of those that it inherits. */
export const inheritedAs = (n: number): number => 100 + n;

/**
 * What is mounted in the container from outside, mounted before at a place that only criu sees: with its options, which criu itself does
 * not always set.
 */
export interface StagedMount {
  readonly source: string;
  readonly options: readonly string[];
  /** A file or directory of ours, as the source is one. */
  readonly stage: string;
}

/** What {@link restoreProcess} is given. */
export interface RestoreProcess {
  /** criu's path. */
  readonly program: string;
  readonly words: readonly string[];
  /** A descriptor of the root file system, and the directory at which it is mounted for criu alone. */
  readonly root: number;
  readonly rootTarget: string;
  readonly mounts: readonly StagedMount[];
  /** Descriptors that it is to have as {@link inheritedAs} says. */
  readonly inherited: readonly number[];
}

/** Runs it and waits for its end. @returns its exit status, or 128 and a signal @throws OciError when it could not be run */
export async function restoreProcess({ program, words, root, rootTarget, mounts, inherited }: RestoreProcess): Promise<number> {
  const nowhere = openSync('/dev/null', 'r+');
  const tree = call('open_tree', [
    root,
    '',
    openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC | openTreeFlags.AT_RECURSIVE | openTreeFlags.AT_EMPTY_PATH,
  ]);
  const steps = rows([
    unblockSignals(),
    tree,
    call('unshare', [cloneFlags.CLONE_NEWNS]),
    call('mount', [null, '/', null, mountFlags.MS_REC | mountFlags.MS_PRIVATE, null]),
    call('move_mount', [result(tree), '', AT_FDCWD, rootTarget, moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH]),
    ...mounts.flatMap(stageCalls),
    // Copies first: the standard streams may be among them.
    ...inherited.map((fd, n) => call('dup3', [fd, inheritedAs(n), 0])),
    ...[0, 1, 2].map((fd) => call('dup3', [nowhere, fd, 0])),
    call('execve', [program, ['criu', ...words], Object.entries(process.env).map(([name, value]) => `${name}=${value}`)]),
  ]);
  const { pid, table, bytes } = vforkTable([...steps, { call: call('exit_group', [127]) }], 0);
  closeSync(nowhere);
  const [refused] = refusedRows(table, 0, steps, bytes);
  const status = new Uint8Array(4);
  await rawSyscallAsync('wait4', pid, status, waitFlags.__WALL, null);
  if (refused && refused.row === steps.at(-1)) throw notRunnable(program, errnoName(refused.errno));
  if (refused) throw new OciError(`criu could not be given its root file system: ${refused.row.call.name}: ${errnoMessage(refused.errno)}`);
  const value = new DataView(status.buffer).getInt32(0, true);
  return (value & 0x7f) === 0 ? value >> 8 : 128 + (value & 0x7f);
}

const attributeOf: Readonly<Record<string, number>> = {
  ro: mountAttrs.MOUNT_ATTR_RDONLY,
  nosuid: mountAttrs.MOUNT_ATTR_NOSUID,
  nodev: mountAttrs.MOUNT_ATTR_NODEV,
  noexec: mountAttrs.MOUNT_ATTR_NOEXEC,
};

function stageCalls({ source, options, stage }: StagedMount): Call[] {
  const tree = call('open_tree', [AT_FDCWD, source, openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC]);
  const attributes = new Uint8Array(32); // struct mount_attr: attr_set first
  new DataView(attributes.buffer).setUint32(
    0,
    options.reduce((all, option) => all | (attributeOf[option] ?? 0), 0),
    true,
  );
  return [
    tree,
    call('mount_setattr', [result(tree), '', openTreeFlags.AT_EMPTY_PATH, attributes, attributes.length]),
    call('move_mount', [result(tree), '', AT_FDCWD, stage, moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH]),
  ];
}
