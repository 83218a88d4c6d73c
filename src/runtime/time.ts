/**
 * A time namespace. Its offsets can be written only while nobody is in it, so the monitor makes it for its children,
 * writes them, and stays outside itself. See time_namespaces(7).
 */
import { call, result } from '../kernel/call.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../kernel/flags.ts';
import type { Step } from '../step/step.ts';

/** What the monotonic clock of a process with these offsets is ahead of ours by, in nanoseconds. */
export function monotonicOffset(offsets: Readonly<Record<string, { readonly secs: number; readonly nanosecs: number }>> = {}): bigint {
  const { secs, nanosecs } = offsets['monotonic'] ?? { secs: 0, nanosecs: 0 };
  return BigInt(secs) * 1_000_000_000n + BigInt(nanosecs);
}

/** @param offsets by clock, `monotonic` and `boottime` */
export function timeOffsetsStep(offsets: Readonly<Record<string, { readonly secs: number; readonly nanosecs: number }>>): Step {
  const text = Object.entries(offsets)
    .map(([clock, { secs, nanosecs }]) => `${clock} ${secs} ${nanosecs}\n`)
    .join('');
  const open = call('openat', [AT_FDCWD, '/proc/self/timens_offsets', openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'offsets' });
  return {
    id: 'namespace.time',
    what: 'Make a time namespace for the process, with its clocks set off',
    calls: [
      call('unshare', [cloneFlags.CLONE_NEWTIME]),
      ...(text ? [open, call('write', [result(open), Buffer.from(text), text.length]), call('close', [result(open)])] : []),
    ],
    shell: `# By the unshare that makes the process: --time${Object.entries(offsets)
      .map(([clock, { secs }]) => ` --${clock} ${secs}`)
      .join('')}`,
    look: 'cat /proc/$PID/timens_offsets',
  };
}
