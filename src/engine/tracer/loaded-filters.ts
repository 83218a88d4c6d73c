/** The seccomp filters that the kernel has for a process, and what they decide. */
import type { Instruction } from '../../kernel/bpf/classic.ts';
import type { ProcessIdentity } from '../../kernel/process.ts';
import type { Judgment } from '../seccomp/judge.ts';
import type { FiltersAnswer } from './job.ts';
import { TracerProcess } from './tracer-process.ts';

/** What was read; or why nothing was. */
export type LoadedFilters =
  | {
      /** The newest first. */
      readonly programs: readonly (readonly Instruction[])[];
      /** Absent where they take longer to judge than anybody waits. */
      readonly judgment?: Judgment;
    }
  | { readonly refused: string };

/** Milliseconds for each of the two answers. */
const patience = 3000;

/**
 * Reads the seccomp filters that a process obeys. It is stopped for that, for less than a millisecond; one that cannot be
 * stopped (frozen, or in the middle of something that cannot be interrupted) is left alone after three seconds.
 */
export async function loadedFilters(identity: ProcessIdentity): Promise<LoadedFilters> {
  const tracer = new TracerProcess<FiltersAnswer>({ kind: 'filters', process: identity });
  let timer = setTimeout(() => tracer.kill(), patience);
  try {
    const first = await tracer.next();
    if (first && 'refused' in first) return first;
    if (!first || !('programs' in first)) return { refused: 'the process could not be stopped to read them' };
    clearTimeout(timer);
    timer = setTimeout(() => tracer.kill(), patience);
    const second = await tracer.next();
    return second && 'judgment' in second ? { ...first, ...second } : first;
  } finally {
    clearTimeout(timer);
    tracer.kill();
  }
}
