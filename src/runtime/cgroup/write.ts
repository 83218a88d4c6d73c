/** The step of one write to a control file: what every limit, and most of the rest, comes down to. */
import { call, result } from '../../kernel/call.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { word } from '../../step/shell.ts';
import type { Step } from '../../step/step.ts';
import { holdsValue } from './shown.ts';

/** What {@link writeStep} is given. */
export interface Write {
  readonly id: string;
  readonly what: string;
  readonly path: string;
  readonly value: string;
  /** What the file had before, to be put back on undo; absent where removing the cgroup takes it back. */
  readonly before?: string;
  /** Errnos of the write that are no failure. */
  readonly accept?: readonly number[];
}

/**
 * Writes a value to a control file. One write(2), because the kernel takes each write as one whole command.
 * The descriptor is closed when the procedure ends, so a refused write leaks none.
 */
export function writeStep(write: Write): Step {
  const { path, value, before, accept } = write;
  return {
    id: write.id,
    what: write.what,
    ...writeCalls(path, value, accept),
    shell: `echo ${word(value)} >${word(path)}`,
    look: `cat ${word(path)}`,
    goal: () => [holdsValue(path, value)],
    ...(before === undefined ? { undone: 'goes with the cgroup' } : { undo: restoreCalls(path, before) }),
  };
}

/** The calls of a write: open and write, and the close for the procedure's end. */
export function writeCalls(path: string, value: string, accept: readonly number[] = []): Pick<Step, 'calls' | 'finally'> {
  const open = call('openat', [AT_FDCWD, path, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'fd' });
  return { calls: [open, call('write', [result(open), Buffer.from(value), Buffer.byteLength(value)], { accept })], finally: [call('close', [result(open)])] };
}

/** The calls that put a value back: an undo, so they close what they open themselves. */
export function restoreCalls(path: string, value: string, accept: readonly number[] = []): Step['calls'] {
  const { calls, finally: close = [] } = writeCalls(path, value, accept);
  return [...calls, ...close];
}
