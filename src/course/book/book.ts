/**
 * The course as a book: a page an exercise, in each language, with what its solutions did on this machine. Static HTML that is read from
 * a disk, printed, or served by anything.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findLab, LabError, startLab, stopLab, type Lab } from '../../lab/lab.ts';
import { forgetLock } from '../../lab/lock.ts';
import { labsDirectory } from '../../lab/place.ts';
import type { Chapter, Entry } from '../catalogue.ts';
import type { Language } from '../lesson.ts';
import { formOfMachine } from '../session.ts';
import { contentsHtml, coverHtml } from './contents-page.ts';
import { exerciseHtml, type Ground, type Subject } from './exercise-page.ts';
import type { Html } from './html.ts';
import { machineFacts, machineHtml, type MachineFacts } from './machine.ts';
import { contentsFile, machineFile, pageHtml, styleFile, type Neighbour } from './page.ts';
import { perform, type Outcome } from './performance.ts';
import { openPlace, type Place } from './place.ts';
import { scrubber, type Scrub } from './scrub.ts';
import { bookWords } from './words.ts';

/** What is to be in a book. */
export interface BookPlan {
  readonly directory: string;
  readonly languages: readonly Language[];
  readonly exercises: readonly { readonly chapter: Chapter; readonly entry: Entry }[];
  /** Whether the solutions are run. */
  readonly withOutputs: boolean;
  /** Versions of programs of ours, for the page about the machine. */
  readonly versions: readonly (readonly [name: string, version: string])[];
  /** Is told what came of each exercise, with how many milliseconds it took. */
  readonly onOutcome: (entry: Entry, number: number, outcome: Outcome, took: number) => void;
  /** Ends it, and leaves nothing. */
  readonly signal: AbortSignal;
}

/**
 * Makes a book. An earlier one at its place is replaced when the new one is whole.
 * @throws BookError, LabError, LessonError, or what the signal is aborted with
 */
export async function writeBook(plan: BookPlan): Promise<void> {
  const place = openPlace(plan.directory);
  try {
    await fill(place, plan);
    plan.signal.throwIfAborted();
    place.finish();
  } finally {
    place.abandon();
  }
}

async function fill(place: Place, plan: BookPlan): Promise<void> {
  const { exercises, languages, withOutputs } = plan;
  const played = withOutputs ? await performAll(plan) : undefined;
  const subjects = exercises.map(({ chapter, entry }): Subject => ({ chapter, entry, outcome: played?.outcomes.get(entry.id) }));
  const ground: Ground = { form: formOfMachine(), scrub: played?.scrub ?? ((text) => text) };
  place.write(styleFile, readFileSync(join(import.meta.dirname, styleFile), 'utf8'));
  place.write(contentsFile, coverHtml(languages, withOutputs).text);
  for (const language of languages) {
    const words = bookWords[language];
    const pages: readonly (readonly [to: Neighbour, body: Html])[] = [
      [{ file: contentsFile, title: words.title }, contentsHtml(subjects, language, withOutputs)],
      ...(played ? [[{ file: machineFile, title: words.aboutMachine }, machineHtml(played.machine, subjects, language)] as const] : []),
      ...subjects.map(
        (subject) =>
          [
            { file: `${subject.entry.id}.html`, title: `${subject.entry.id} ${subject.entry.lessons[language].title}` },
            exerciseHtml(subject, language, ground),
          ] as const,
      ),
    ];
    pages.forEach(([{ file, title }, body], i) =>
      place.write(`${language}/${file}`, pageHtml({ file, title, body, language, languages, previous: pages[i - 1]?.[0], next: pages[i + 1]?.[0] }).text),
    );
  }
}

interface Played {
  readonly outcomes: ReadonlyMap<string, Outcome>;
  readonly machine: MachineFacts;
  readonly scrub: Scrub;
}

/** Does all exercises in a lab of the book's own, which ends with it. */
async function performAll({ exercises, versions, onOutcome, signal }: BookPlan): Promise<Played> {
  const name = `book-${process.pid}`;
  const outcomes = new Map<string, Outcome>();
  try {
    const machine = await machineFacts(await startLab({ name }), versions);
    for (const [i, { entry }] of exercises.entries()) {
      signal.throwIfAborted();
      const begun = performance.now();
      const outcome = await perform(entry, await labFor(name), signal);
      outcomes.set(entry.id, outcome);
      onOutcome(entry, i + 1, outcome, performance.now() - begun);
    }
    return { outcomes, machine, scrub: scrubber(name) };
  } finally {
    await end(name);
  }
}

/** @throws LabError where something of it is left on the machine */
async function end(name: string): Promise<void> {
  const left = await stopLab(name);
  forgetLock(labsDirectory(), name);
  if (left.length > 0) throw new LabError(`of the book's lab "${name}" this is left: ${left.join(', ')}; hako lab stop --name ${name} tries again`);
}

/** The lab in which needs are tried; an exercise may have ended it. */
const labFor = async (name: string): Promise<Lab> => findLab(name) ?? (await startLab({ name }));
