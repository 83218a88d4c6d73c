/** What a tracer is given to do, and what it answers: lines of JSON, on its standard input and output. */
import type { WhyReport } from '../../api/schema.ts';
import type { Instruction } from '../../kernel/bpf/classic.ts';
import type { ProcessIdentity } from '../../kernel/process.ts';
import type { Judgment } from '../seccomp/judge.ts';
import type { WhyContext } from './refused-call.ts';

/** What a tracer can be asked. */
export type TracerJob = { readonly kind: 'filters'; readonly process: ProcessIdentity } | { readonly kind: 'why'; readonly context: WhyContext };

/** The first line that a tracer is sent. */
export interface TracerOrder {
  /** The process id of the engine that started it: a tracer that finds itself another's child has lost its engine. */
  readonly engine: number;
  readonly job: TracerJob;
}

/** What `why` answers, in this order: that it has started, whether it has hold of the process (0 or a negative errno), and at the end the report. */
export type WhyAnswer = { readonly ready: true } | { readonly begun: number } | { readonly report: Omit<WhyReport, 'command' | 'exitCode'> };

/** What `filters` answers: the programs, the newest first, and then what they decide; or why the kernel does not show them. */
export type FiltersAnswer = { readonly programs: readonly (readonly Instruction[])[] } | { readonly judgment: Judgment } | { readonly refused: string };
