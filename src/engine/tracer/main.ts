/** The tracer's entry point: see tracer-process.ts. */
import { readSync, writeSync } from 'node:fs';
import { errnoName } from '../../kernel/errno.ts';
import { processStat, type ProcessIdentity } from '../../kernel/process.ts';
import { detach, interrupt, seccompFilters, seize, waitForStop } from '../../kernel/ptrace.ts';
import { judge } from '../seccomp/judge.ts';
import { confineTracer } from './confine-tracer.ts';
import type { FiltersAnswer, TracerOrder, WhyAnswer } from './job.ts';
import { SyscallTrace } from './syscall-trace.ts';

function say(answer: FiltersAnswer | WhyAnswer): void {
  const bytes = Buffer.from(`${JSON.stringify(answer)}\n`);
  for (let written = 0; written < bytes.length;) written += writeSync(1, bytes, written);
}

let read = '';

/** The next line that the engine sends; undefined when it sends no more. */
function hear(): unknown {
  const bytes = Buffer.alloc(64 << 10);
  while (!read.includes('\n')) {
    const length = readSync(0, bytes, 0, bytes.length, null);
    if (length === 0) return undefined;
    read += bytes.toString('latin1', 0, length);
  }
  const end = read.indexOf('\n');
  const line = Buffer.from(read.slice(0, end), 'latin1').toString('utf8');
  read = read.slice(end + 1);
  return JSON.parse(line);
}

/** Reads the filters of a process: stops it, asks, and lets it go; only then they are judged. */
function filtersOf({ pid, startTime }: ProcessIdentity): void {
  const refuse = (refused: string): void => say({ refused });
  const seized = seize(pid);
  if (seized < 0) return refuse(`the kernel lets it not be traced (${errnoName(-seized)})`);
  if (processStat(pid)?.startTime !== startTime) return refuse('the process has ended');
  interrupt(pid);
  const stop = waitForStop(pid);
  if (stop?.kind !== 'stopped') return refuse('the process has ended');
  const programs = seccompFilters(pid);
  // It may have stopped since a signal came to it, before our interruption: that signal is still to be delivered.
  detach(pid, stop.event === 0 ? stop.signal : 0);
  if (typeof programs === 'number') return refuse(`the kernel does not show them (${errnoName(-programs)})`);
  say({ programs });
  say({ judgment: judge(programs) });
}

/** Traces the process whose id is sent, and reports when it has ended. */
function why(trace: SyscallTrace): void {
  say({ ready: true });
  // Without an id the process was never made.
  const pid = hear() as { readonly pid: number } | undefined;
  if (!pid) return;
  const begun = trace.begin(pid.pid);
  say({ begun });
  if (begun >= 0) say({ report: trace.follow() });
}

const order = hear() as TracerOrder | undefined;
if (order) {
  confineTracer(order.engine);
  if (order.job.kind === 'filters') filtersOf(order.job.process);
  else why(new SyscallTrace(order.job.context));
}
