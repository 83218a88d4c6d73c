/**
 * The proof of an exercise, the same for all: untouched it does not pass, its solution passes by raw commands and by hako's own, and
 * when the lab has been stopped nothing is left. HAKO_COURSE_ONLY=2.4,3 restricts it to exercises and chapters.
 */
import assert from 'node:assert/strict';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { entries, type Entry } from '../../src/course/catalogue.ts';
import { textIn, type Exercise } from '../../src/course/exercise.ts';
import { readProgress } from '../../src/course/progress.ts';
import { beginExercise, formOf, labOfCurrent, lookAtExercise, obstacles, type Seen } from '../../src/course/session.ts';
import { runInLab, stopLab } from '../../src/lab/lab.ts';
import { needsRoot } from './needs.ts';

/** How long a solution may take until all its conditions hold, in milliseconds: as long as a busy machine may need. */
const patience = 30_000;

const only = process.env['HAKO_COURSE_ONLY']?.split(',');
const isWanted = ({ id, chapter }: Entry): boolean => only === undefined || only.includes(id) || only.includes(String(chapter));

// A machine that has no kernel of its own in /boot (a container, a virtual machine of another's kernel) has perhaps that of scripts/vm.
process.env['HAKO_KERNEL'] ??= globSync(`${process.env['HAKO_TEST_CACHE'] ?? '/var/cache/hako-test'}/vm-*/vmlinuz`)[0] ?? '';

/** Declares the tests of a chapter's exercises. */
export function proveChapter(chapter: number): void {
  describe(`chapter ${chapter}`, { skip: needsRoot() }, () => {
    let directory: string;
    before(() => {
      directory = mkdtempSync(join(tmpdir(), 'hako-course-'));
      Object.assign(process.env, { HAKO_RUN: join(directory, 'run'), HAKO_ROOT: join(directory, 'root'), HAKO_LAB: `t${process.pid}` });
    });
    after(async () => {
      const left = await stopLab();
      rmSync(directory, { recursive: true, force: true });
      assert.deepEqual(left, []);
    });
    for (const entry of entries().filter((e) => e.chapter === chapter && isWanted(e))) {
      test(`${entry.id} ${entry.lessons.en.title}`, async (t) => {
        const exercise = await entry.load();
        const reasons = await obstacles(exercise);
        if (reasons.length > 0) return t.skip(reasons.map((reason) => reason.en).join('; '));
        await t.test('does not pass untouched', () => untouched(entry, exercise));
        for (const manner of ['raw', 'hako'] as const) await t.test(`passes by the ${manner} solution`, () => solved(entry, exercise, manner));
        await t.test('leaves nothing', async () => assert.deepEqual(await stopLab(), []));
      });
    }
  });
}

async function untouched(entry: Entry, exercise: Exercise): Promise<void> {
  const current = await beginExercise(entry, exercise);
  const seen = await lookAtExercise(exercise, current, readProgress().progress);
  assert.equal(seen.passed, false, 'nothing was done, and all conditions hold');
}

async function solved(entry: Entry, exercise: Exercise, manner: 'raw' | 'hako'): Promise<void> {
  const current = await beginExercise(entry, exercise);
  const lab = labOfCurrent(current);
  let ended: { readonly code: number; readonly stdout: string; readonly stderr: string } | undefined;
  const script = runInLab(lab, ['bash', '-eu', '-c', entry.solution.lines(manner, formOf(lab), current.facts)], { timeout: 2 * patience });
  void script.then((end) => (ended = end));
  let seen: Seen | undefined;
  for (const until = Date.now() + patience; Date.now() < until; await pause(100)) {
    seen = await lookAtExercise(exercise, current, readProgress().progress);
    if (seen.passed) return;
    if (ended && ended.code !== 0) break;
  }
  const open = seen?.standpoints
    .filter(({ met }) => !met)
    .map(({ condition, finding }) => {
      const expected = finding.expected === undefined ? '' : ` expected: ${textIn(finding.expected, 'en')}`;
      return `${condition.id}:${expected} found: ${textIn(finding.found, 'en')}`;
    });
  const said = ended ? `the script ended with ${ended.code}: ${ended.stdout.slice(-1500)}${ended.stderr.slice(-1500)}` : 'the script has not ended';
  assert.fail(`${(open ?? []).join('\n')}\n${said}`);
}
