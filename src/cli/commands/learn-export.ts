/** `hako learn export`: the course as a book of HTML, with what its solutions do on this machine. */
import { constants } from 'node:os';
import { resolve } from 'node:path';
import { writeBook } from '../../course/book/book.ts';
import { isWhole, type Outcome } from '../../course/book/performance.ts';
import { chapters, type Chapter, type Entry } from '../../course/catalogue.ts';
import { clientVersion } from '../client-version.ts';
import { CommandError, defineCommand } from '../command.ts';
import { langFlag } from '../language.ts';
import { exportWords, type ExportWords } from '../learn-export-words.ts';
import { inCourse, speechFlags, speechOf, wordsOf } from '../learn-session.ts';
import type { Speech } from '../learn-text.ts';
import { complain, print } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] DIRECTORY'],
  description:
    'A book of all exercises to read in a browser or to print, in English and Japanese. The solutions are run in a lab of their own, which takes some minutes, and the book shows what they printed and what the kernel showed afterwards. DIRECTORY must not exist, or be empty, or have an earlier book in it, which is replaced once the new one is whole.',
  count: [1, 1],
  completes: ['file'],
  flags: {
    ...speechFlags,
    lang: { ...langFlag, help: 'Write the book in this language only' },
    only: { kind: 'list', placeholder: 'exercise', help: 'Only these exercises or chapters, such as 2.4 or 2 (repeatable, or with commas)' },
    'without-outputs': { kind: 'bool', help: 'Do not run the solutions; the book shows them as they are written' },
  },
  async run({ flags, args: [directory] }) {
    const speech = speechOf(flags);
    const say = exportWords[speech.language];
    return await inCourse(speech, async () => {
      const exercises = chosen(flags.only, speech);
      const cancel = new AbortController();
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
      let ending = 0;
      const onSignal = (name: NodeJS.Signals): void => {
        ending = 128 + constants.signals[name];
        if (!cancel.signal.aborted) complain(say.ending);
        cancel.abort();
      };
      signals.forEach((name) => process.on(name, onSignal));
      const outcomes: Outcome[] = [];
      try {
        await writeBook({
          directory: directory!,
          languages: flags.lang === undefined ? ['en', 'ja'] : [speech.language],
          exercises,
          withOutputs: !flags['without-outputs'],
          versions: [
            ['hako', clientVersion()],
            ['node', process.version],
          ],
          onOutcome(entry, number, outcome, took) {
            outcomes.push(outcome);
            print(`${progressLine(entry, `${number}/${exercises.length}`, outcome, took, speech, say)}\n`, process.stderr);
          },
          signal: cancel.signal,
        });
      } catch (error) {
        if (cancel.signal.aborted) return ending;
        if ((error as Error).name === 'LabError') throw new CommandError((error as Error).message, { hint: say.withoutHint });
        throw error;
      } finally {
        signals.forEach((name) => process.off(name, onSignal));
      }
      print(`${summary(exercises.length, outcomes, say)}\n`, process.stderr);
      print(`${resolve(directory!, 'index.html')}\n`);
      return 0;
    });
  },
});

/** The exercises that were asked for, in the course's order. @throws CommandError for one that there is not */
function chosen(only: readonly string[], speech: Speech): readonly { readonly chapter: Chapter; readonly entry: Entry }[] {
  const all = chapters().flatMap((chapter) => chapter.exercises.map((entry) => ({ chapter, entry })));
  const asked = only.flatMap((value) => value.split(',')).map((value) => value.trim());
  const isOf = (name: string, { entry }: (typeof all)[number]): boolean => entry.id === name || String(entry.chapter) === name;
  const unknown = asked.find((name) => !all.some((each) => isOf(name, each)));
  if (unknown !== undefined) throw new CommandError(wordsOf(speech).noExercise(unknown), { hint: wordsOf(speech).listHint });
  return asked.length === 0 ? all : all.filter((each) => asked.some((name) => isOf(name, each)));
}

function progressLine(entry: Entry, count: string, outcome: Outcome, took: number, { language, paint }: Speech, say: ExportWords): string {
  const title = `${entry.id} ${entry.lessons[language].title}`;
  const state = isWhole(outcome)
    ? paint('green', say.done)
    : outcome.kind === 'done'
      ? paint('yellow', say.unmet)
      : outcome.kind === 'failed'
        ? paint('red', `${say.failed}: ${outcome.why}`)
        : paint('dim', `${say.impossible}: ${outcome.reasons.map((reason) => reason[language]).join('; ')}`);
  return `[${count}] ${title}: ${state} (${(took / 1000).toFixed(1)} s)`;
}

function summary(count: number, outcomes: readonly Outcome[], say: ExportWords): string {
  const impossible = outcomes.filter(({ kind }) => kind === 'impossible').length;
  const broken = outcomes.filter((outcome) => outcome.kind !== 'impossible' && !isWhole(outcome)).length;
  return say.summary(count, impossible, broken);
}
