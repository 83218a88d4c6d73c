/**
 * A trace as a person reads it: one lane each for the engine, the monitor and the new process, from top to bottom as time went; and as
 * Perfetto and chrome://tracing read it (the Trace Event Format).
 */
import type { StepLane, Trace, TracedCall, TracedStep } from '../api/schema.ts';
import { UsageError } from './command.ts';
import type { TextOptions } from './paint.ts';
import { printablePainted } from './terminal-text.ts';

const forms = ['text', 'json', 'chrome'] as const;
export type TraceForm = (typeof forms)[number];

/** @throws UsageError */
export function traceForm(word: string, flag: string): TraceForm {
  const form = forms.find((known) => known === word);
  if (form) return form;
  throw new UsageError(`invalid argument "${word}" for "${flag}" flag: it must be text, json or chrome (for Perfetto and chrome://tracing)`);
}

/** The trace in one of its forms, each ended by a line feed. */
export function renderTrace(trace: Trace, form: TraceForm, options: TextOptions): string {
  if (form === 'json') return `${JSON.stringify(trace, null, 1)}\n`;
  if (form === 'chrome') return `${JSON.stringify(chromeTrace(trace))}\n`;
  return traceText(trace, options);
}

const lanes: readonly StepLane[] = ['engine', 'monitor', 'process'];
const signs = { born: '+', changed: '~', gone: '-' } as const;

/** Steps in the order in which they began; what has no time stays behind the one before it in its lane. */
function inTime(steps: readonly TracedStep[]): TracedStep[] {
  const last = new Map<StepLane, number>();
  return steps
    .map((step, index) => {
      const at = step.began ?? last.get(step.lane) ?? 0;
      last.set(step.lane, step.ended ?? at);
      return { step, at, index };
    })
    .toSorted((a, b) => a.at - b.at || a.index - b.index)
    .map(({ step }) => step);
}

const milliseconds = (µs: number | undefined): string => (µs === undefined ? '' : (µs / 1000).toFixed(2));

function traceText(trace: Trace, { paint, width }: TextOptions): string {
  const present = lanes.filter((lane) => trace.steps.some((step) => step.lane === lane));
  const lines = [
    paint(
      'dim',
      `     ms  ${present.map((lane) => lane[0]).join('')}  (${present.map((lane) => `${lane[0]}: the ${lane === 'process' ? 'new process' : lane}`).join(', ')})`,
    ),
  ];
  const line = (at: string, lane: StepLane, mark: string, text: string): void => {
    const rails = present.map((other) => (other === lane ? mark : '│')).join('');
    lines.push(`${paint('dim', at.padStart(7))}  ${rails}  ${text}`);
  };
  const room = Math.max(30, width - 13 - present.length);
  for (const step of inTime(trace.steps)) {
    const taken = step.began === undefined || step.ended === undefined ? '' : `  ${milliseconds(step.ended - step.began)} ms`;
    const part = step.part === 'calls' ? '' : ` (${step.part === 'undo' ? 'taken back' : 'at the end'})`;
    const failed = step.part === 'calls' && trace.failure?.includes(`[step ${step.id}]`);
    line(
      milliseconds(step.began),
      step.lane,
      '●',
      `${paint(failed ? 'red' : 'bold', step.id)}${part}  ${clip(step.what, room - step.id.length - part.length - taken.length - 2)}${paint('dim', taken)}`,
    );
    for (const call of step.calls) {
      const result = resultText(call);
      line('', step.lane, '│', `  ${paint(call.error ? 'yellow' : 'cyan', clip(call.text, room - result.length - 2))}${result}`);
    }
    for (const object of step.objects)
      line('', step.lane, '│', `  ${paint('green', `${signs[object.change]} ${clip(`${object.kind} ${object.name}`.trim(), room - 4)}`)}`);
  }
  const calls = trace.steps.reduce((sum, step) => sum + step.calls.length, 0);
  const end = Math.max(0, ...trace.steps.map((step) => step.ended ?? 0));
  lines.push(
    paint(
      'dim',
      `${trace.steps.length} steps, ${calls} calls, ${milliseconds(end)} ms${trace.pid === undefined ? '' : `; the container is process ${trace.pid}`}`,
    ),
  );
  const timeless = trace.steps.find(({ lane, began }) => lane === 'process' && began === undefined);
  if (timeless) lines.push(paint('dim', `from ${timeless.id} on the new process reads no clock: a filter may refuse that, or end who tries`));
  if (trace.failure) lines.push(paint('red', `failed: ${trace.failure}`));
  return printablePainted(`${lines.join('\n')}\n`);
}

/** What the kernel returned to a call: as strace writes it; or what the engine made of several calls. */
export function resultText({ text, returned, error, gives }: TracedCall): string {
  if (error) return ` = -1 ${error}`;
  if (gives) return ` -> ${gives} ${returned}`;
  return ` = ${returned > 0 && text.startsWith('umask(') ? `0${returned.toString(8)}` : returned}`;
}

/** Long ids are told by their beginning, as everywhere; what is still too long is cut. The other forms have it whole. */
function clip(text: string, width: number): string {
  const short = text.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1…');
  return short.length > width ? `${short.slice(0, Math.max(1, width - 1))}…` : short;
}

interface ChromeEvent {
  readonly name: string;
  readonly ph: 'X' | 'M' | 'i';
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly s?: 't';
  readonly args?: Readonly<Record<string, unknown>>;
}

/** https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU (Trace Event Format): times in microseconds. */
function chromeTrace(trace: Trace): { readonly traceEvents: readonly ChromeEvent[]; readonly displayTimeUnit: 'ms'; readonly otherData: object } {
  const tid = (lane: StepLane): number => lanes.indexOf(lane) + 1;
  const pid = 1;
  const events: ChromeEvent[] = [
    { name: 'process_name', ph: 'M', pid, tid: 0, args: { name: 'a start of hakobune' } },
    ...lanes.map((lane): ChromeEvent => ({ name: 'thread_name', ph: 'M', pid, tid: tid(lane), args: { name: lane } })),
  ];
  let last = 0;
  for (const step of inTime(trace.steps)) {
    const ts = step.began ?? last;
    last = step.ended ?? ts;
    const args = { what: step.what, part: step.part, objects: step.objects.map((o) => `${o.change}: ${o.kind} ${o.name}`) };
    events.push({ name: step.id, cat: step.part, ph: 'X', pid, tid: tid(step.lane), ts, dur: Math.max(0, (step.ended ?? ts) - ts), args });
    for (const call of step.calls) {
      const name = call.text.replace(/\(.*/s, '');
      const began = call.began ?? ts;
      const callArgs = { call: call.text, returned: call.error ?? call.returned };
      events.push({ name, cat: 'syscall', ph: 'X', pid, tid: tid(step.lane), ts: began, dur: Math.max(0, (call.ended ?? began) - began), args: callArgs });
    }
  }
  return { traceEvents: events, displayTimeUnit: 'ms', otherData: { started: trace.started, ...(trace.failure ? { failure: trace.failure } : {}) } };
}
