/**
 * The seccomp filter of a container's first process, in words. The program is the one that the kernel has loaded; the tracer
 * puts every call to it. Only where the kernel does not show it, the engine's record is asked, and that is said. See seccomp(2).
 */
import type { SeccompView } from '../../api/schema.ts';
import type { Instruction } from '../../kernel/bpf/classic.ts';
import { seccompFilter } from '../../runtime/seccomp/load.ts';
import { confinementOf } from '../spec/process.ts';
import { judge } from '../seccomp/judge.ts';
import { loadedFilters } from '../tracer/loaded-filters.ts';
import { statusField } from '../process-files.ts';
import type { Subject } from './subject.ts';

/** Reads and judges the filter; the one that the record asks for is compared. */
export async function seccompOf(subject: Subject): Promise<SeccompView> {
  const { running, container, status, differs } = subject;
  const mode = ['disabled', 'strict', 'filter'][Number(statusField(status, 'Seccomp'))] ?? 'unknown';
  const filters = Number(statusField(status, 'Seccomp_filters') || (mode === 'filter' ? 1 : 0));
  const { seccomp } = confinementOf(container.record.hostConfig);
  const recorded = seccomp && seccompFilter(seccomp).program;
  if (recorded && mode !== 'filter') differs('The record has a seccomp filter, but the process has none');
  if (!recorded && mode === 'filter') differs('The record has no seccomp filter, but the process has one');
  if (mode !== 'filter') return { ...nothing, mode, filters, defaultAction: mode === 'strict' ? 'only read, write and exit' : 'allowed' };

  const loaded = await loadedFilters(running.handle.record.process);
  if ('programs' in loaded) {
    if (recorded && !loaded.programs.some((program) => isSame(program, recorded)))
      differs('The seccomp filter that is loaded is not the one that the record makes');
    const instructions = loaded.programs.reduce((sum, program) => sum + program.length, 0);
    const judgment = loaded.judgment ?? { ...nothing, instructions, defaultAction: 'not known: it takes too long to put every call to the programs' };
    return { ...judgment, mode, filters, source: 'kernel' };
  }
  if (!recorded) return { ...nothing, mode, filters, refused: loaded.refused, defaultAction: 'unknown' };
  return { ...judge([recorded]), mode, filters, source: 'record', refused: loaded.refused };
}

const nothing = {
  instructions: 0,
  source: 'none',
  counts: { allowed: 0, refused: 0, conditional: 0 },
  refusedCalls: [],
  conditionalCalls: [],
  otherArchitectures: [],
} as const;

const isSame = (a: readonly Instruction[], b: readonly Instruction[]): boolean =>
  a.length === b.length && a.every((x, i) => x.code === b[i]!.code && x.jt === b[i]!.jt && x.jf === b[i]!.jf && x.k === b[i]!.k);
