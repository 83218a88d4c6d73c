/** What the commands of `hako learn` share: the language, the current exercise, and errors that are sentences with a way back. */
import { entries, type Entry } from '../course/catalogue.ts';
import type { Exercise, Facts } from '../course/exercise.ts';
import { namedFacts, type Filling } from '../course/lesson.ts';
import { readProgress, type Current, type Progress } from '../course/progress.ts';
import { beginExercise, formOfMachine, labOfCurrent, obstacles } from '../course/session.ts';
import { CommandError, type Flag } from './command.ts';
import { refusal } from './element.ts';
import { langFlag, languageOf } from './language.ts';
import { learnWords, type Words } from './learn-words.ts';
import type { Speech } from './learn-text.ts';
import { painter, textWidth, unpainted } from './paint.ts';
import { complain, print } from './terminal-text.ts';

/** Flags of all of them. */
export const speechFlags = {
  lang: langFlag,
  'no-color': { kind: 'bool', help: 'No colours (as the variable NO_COLOR)' },
} as const satisfies Record<string, Flag>;

export interface SpeechFlags {
  readonly lang: string | undefined;
  readonly 'no-color': boolean;
}

/** @throws UsageError for a language that there is not */
export const speechOf = (flags: SpeechFlags): Speech => ({
  language: languageOf(flags.lang),
  paint: flags['no-color'] ? unpainted : painter(),
  // Eighty columns are what lines of prose and code are written for.
  width: Math.min(textWidth(), 80),
});

export const wordsOf = ({ language }: Speech): Words => learnWords[language];

export const say = (lines: readonly string[]): void => print(`${lines.join('\n')}\n`);

/** Does something of the course. @throws CommandError with the sentence of what failed */
export async function inCourse<R>(speech: Speech, act: () => Promise<R>): Promise<R> {
  try {
    return await act();
  } catch (error) {
    const { name, message } = error as Error;
    if (name === 'LabGone') throw new CommandError(wordsOf(speech).labGone, { hint: wordsOf(speech).labGoneHint });
    if (name === 'LabError' || name === 'LessonError' || name === 'BookError') throw new CommandError(message);
    throw refusal(error);
  }
}

/** The learner's progress; what was wrong with the file is told. */
export function progressOf(): Progress {
  const { progress, warning } = readProgress();
  if (warning !== undefined) complain(warning);
  return progress;
}

/** An exercise that is being done. */
export interface Doing {
  readonly entry: Entry;
  readonly exercise: Exercise;
  readonly current: Current;
  readonly progress: Progress;
}

/** The current exercise. @throws CommandError where none is begun */
export async function doing(speech: Speech): Promise<Doing> {
  const progress = progressOf();
  const { current } = progress;
  if (!current) throw new CommandError(wordsOf(speech).none, { hint: wordsOf(speech).noneHint });
  const entry = entryOf(current.id, speech);
  return { entry, exercise: await entry.load(), current, progress };
}

/** @throws CommandError for an id that no exercise has */
export function entryOf(id: string, speech: Speech): Entry {
  const found = entries().find((entry) => entry.id === id);
  if (!found) throw new CommandError(wordsOf(speech).noExercise(id), { hint: wordsOf(speech).listHint });
  return found;
}

/** What fills a lesson's placeholders. @param facts of the scene, where it was set; else a fact stands by its name */
export function fillingOf(facts?: Facts): Filling {
  return { form: formOfMachine(), facts: facts ?? namedFacts };
}

/** The first exercise from a place on that is not done, nor put off. @param after an id, to look behind it */
export function nextEntry(progress: Progress, after?: string): Entry | undefined {
  const all = entries();
  const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  const isOpen = ({ id }: Entry): boolean => !progress.exercises[id]?.passed && !progress.exercises[id]?.skipped;
  return all.slice(from).find(isOpen) ?? all.slice(0, from).find((entry) => isOpen(entry) && entry.id !== after);
}

/** Sets an exercise's scene. @throws CommandError where this machine cannot do it, with what would enable it */
export async function begin(entry: Entry, speech: Speech): Promise<Doing> {
  const exercise = await entry.load();
  const reasons = await obstacles(exercise);
  if (reasons.length > 0) {
    const why = reasons.map((reason) => reason[speech.language]).join('; ');
    throw new CommandError(`${wordsOf(speech).skippedBecause(entry.id)}: ${why}`, { hint: wordsOf(speech).skipHint });
  }
  const current = await beginExercise(entry, exercise);
  return { entry, exercise, current, progress: progressOf() };
}

/** Whether the lab of the current exercise is there. */
export function hasLab(current: Current): boolean {
  try {
    labOfCurrent(current);
    return true;
  } catch {
    return false;
  }
}
