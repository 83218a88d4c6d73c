/** Starting a container under one's eyes: `--trace` shows every step as it happened, `--step` and `--hand` wait before it. */
import { openSync, writeFileSync } from 'node:fs';
import type { Trace } from '../api/schema.ts';
import { ApiError, get, post, segment } from './client.ts';
import { CommandError, UsageError, type Flags, type Values } from './command.ts';
import { painter, unpainted } from './paint.ts';
import { renderTrace, traceForm, type TraceForm } from './trace-text.ts';

export const watchFlags = {
  trace: {
    kind: 'optional',
    alone: 'text',
    help: 'Show every step of the start as it happened, with its system calls and their results; =json or =chrome (for Perfetto) for programs',
    completes: ['text', 'json', 'chrome'],
  },
  'trace-file': { kind: 'string', help: 'Write the trace to this file instead of standard error', completes: 'file' },
  step: {
    kind: 'optional',
    alone: 'all',
    help: 'Wait before each step of the start, or before those named: =mount.pivot,network.veth or an area (=mount)',
    completes: 'step',
  },
  hand: { kind: 'string', help: 'Steps that you do by hand: hako waits until the kernel is as they would have made it', completes: 'step' },
} as const satisfies Flags;

type WatchValues = Values<typeof watchFlags>;

/**
 * How a container is to be started by these flags; undefined where nobody watches.
 * @param name the container's name, for what is told
 * @param input the container is to have our standard input
 * @throws UsageError
 */
export function watchedStart(flags: WatchValues, name: string | undefined, input: boolean): ((id: string) => Promise<void>) | undefined {
  const { trace, step, hand, 'trace-file': file } = flags;
  const form = trace === undefined ? undefined : traceForm(trace, '--trace');
  if (file !== undefined && form === undefined) throw new UsageError('--trace-file needs --trace: it says where the trace is written');
  // Before anything is started: what could not be told afterwards would have happened for nothing.
  const to = file === undefined ? undefined : openFile(file);
  if (step === undefined && hand === undefined) return form && ((id) => startTraced(id, form, to));
  if (input && !process.stdin.isTTY)
    throw new UsageError('conflicting options: --step and --hand read their answers from standard input, which --interactive gives to the container');
  return async (id) => {
    const { stepThroughStart } = await import('./step-session.ts');
    const label = name ?? id.slice(0, 12);
    await stepThroughStart(id, { before: step ?? '', hand: hand ?? '', trace: form !== undefined, name: label });
    if (form) show(await get<Trace>(`/containers/${segment(id)}/trace`), form, to);
  };
}

async function startTraced(id: string, form: TraceForm, to: TraceFile | undefined): Promise<void> {
  try {
    show(await post<Trace>(`/containers/${segment(id)}/start`, { trace: true }), form, to);
  } catch (error) {
    if (error instanceof ApiError && error.trace) show(error.trace, form, to);
    throw error;
  }
}

/** Where a trace is written: open since before the start. */
interface TraceFile {
  readonly path: string;
  readonly fd: number;
}

function openFile(path: string): TraceFile {
  try {
    return { path, fd: openSync(path, 'w') };
  } catch (error) {
    throw unwritable(path, error);
  }
}

const unwritable = (path: string, error: unknown): CommandError =>
  new CommandError(`the trace can't be written to ${path}: ${(error as NodeJS.ErrnoException).code}`, { exitCode: 125 });

/** Before the container's own output is shown. */
function show(trace: Trace, form: TraceForm, to: TraceFile | undefined): void {
  const terminal = to === undefined && process.stderr.isTTY;
  const text = renderTrace(trace, form, { paint: terminal ? painter(process.stderr) : unpainted, width: terminal ? process.stderr.columns : 120 });
  if (to === undefined) {
    process.stderr.write(text);
    return;
  }
  try {
    writeFileSync(to.fd, text);
  } catch (error) {
    throw unwritable(to.path, error);
  }
}
