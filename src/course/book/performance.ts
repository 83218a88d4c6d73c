/**
 * An exercise done by its own solution, so that the book shows what came of it on this machine: in a lab of the book's own, once by raw
 * commands and once by hako's. It takes part in no learner's progress.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { inventoryOf, runInLab, type Lab } from '../../lab/lab.ts';
import type { Entry } from '../catalogue.ts';
import type { Exercise, Facts, Finding, Text } from '../exercise.ts';
import type { Current } from '../progress.ts';
import { formOf, lookInLab, obstacles, setScene, trueOnes, type Seen } from '../session.ts';
import type { Manner } from '../solution.ts';
import { cut, cutter, marked, transcript, type Line } from './transcript.ts';

/** What came of a solution. */
export interface Performance {
  /** Of its scene. */
  readonly facts: Facts;
  readonly lines: readonly Line[];
  readonly seen: Seen;
  /** Kernel objects that are there now, or not any more, as the lab's inventory names them. */
  readonly come: readonly string[];
  readonly gone: readonly string[];
}

/** What came of an exercise on this machine. */
export type Outcome =
  | { readonly kind: 'done'; readonly by: Readonly<Record<Manner, Performance>> }
  | { readonly kind: 'impossible'; readonly reasons: readonly Text[] }
  /** Its lab or its scene could not be made, or ended: a sentence. Others may go well. */
  | { readonly kind: 'failed'; readonly why: string };

/** How long a solution may take until all its conditions hold, in milliseconds: as long as a slow machine may need. */
const patience = 60_000;

/** How long it may go on printing when they do, in milliseconds. */
const grace = 15_000;

/** Whether both ways met all conditions. */
export const isWhole = (outcome: Outcome): boolean => outcome.kind === 'done' && outcome.by.raw.seen.passed && outcome.by.hako.seen.passed;

/**
 * Does it both ways.
 * @param lab the book's, as it runs now @param signal ends it @throws what the signal is aborted with
 */
export async function perform(entry: Entry, lab: Lab, signal: AbortSignal): Promise<Outcome> {
  const exercise = await entry.load();
  const reasons = await obstacles(exercise, lab);
  if (reasons.length > 0) return { kind: 'impossible', reasons };
  try {
    return { kind: 'done', by: { raw: await solve(entry, exercise, 'raw', lab.name, signal), hako: await solve(entry, exercise, 'hako', lab.name, signal) } };
  } catch (error) {
    signal.throwIfAborted();
    const { name, message } = error as Error;
    if (name !== 'LessonError' && name !== 'LabError' && name !== 'LabGone') throw error; // a defect of ours
    return { kind: 'failed', why: message };
  }
}

async function solve(entry: Entry, exercise: Exercise, manner: Manner, name: string, signal: AbortSignal): Promise<Performance> {
  signal.throwIfAborted();
  const { lab, current } = await setScene(entry, exercise, name);
  signal.throwIfAborted();
  const script = entry.solution.lines(manner, formOf(lab), current.facts);
  const pieces = cut(script, (await runInLab(lab, ['bash', '-c', cutter], { stdin: `${script}\n`, timeout: patience, signal })).stdout);
  const nonce = randomBytes(8).toString('hex');
  const enough = new AbortController();
  let ended = false;
  const run = runInLab(lab, ['bash', '-eu', '-c', marked(pieces, nonce)], { signal: AbortSignal.any([signal, enough.signal]) }).finally(() => (ended = true));
  try {
    const seen = await lookUntilDone(lab, exercise, current, () => ended, signal);
    const timer = setTimeout(() => enough.abort(), seen.passed ? grace : 0);
    const { stdout } = await run;
    clearTimeout(timer);
    signal.throwIfAborted();
    const now = inventoryOf(lab);
    return {
      facts: current.facts,
      lines: transcript(pieces, stdout, nonce),
      seen,
      come: without(now, current.inventory),
      gone: without(current.inventory, now),
    };
  } finally {
    enough.abort();
    await run;
  }
}

/** Looks until all conditions hold, or have had their time. Of what passes by, the book tells what was found when it was so. */
async function lookUntilDone(lab: Lab, exercise: Exercise, current: Current, ended: () => boolean, signal: AbortSignal): Promise<Seen> {
  let before: ReadonlySet<string> = new Set();
  const then = new Map<string, Finding>();
  for (const until = Date.now() + patience; ; await pause(100, undefined, { signal })) {
    const seen = await lookInLab(lab, exercise, current, before);
    for (const { condition, finding } of seen.standpoints) if (condition.once && finding.ok) then.set(condition.id, finding);
    if (seen.passed || (Date.now() > until && ended()) || Date.now() > until + patience)
      return {
        ...seen,
        standpoints: seen.standpoints.map((standpoint) => ({ ...standpoint, finding: then.get(standpoint.condition.id) ?? standpoint.finding })),
      };
    before = new Set(trueOnes(seen));
  }
}

/** Of two lists what only the first has; equal lines are counted. */
function without(lines: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return lines.filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
