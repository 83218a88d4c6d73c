/**
 * What an exercise is. Each is a folder of four files beneath exercises/CHAPTER/: `exercise.ts` (what it needs, how its scene is set, and
 * the conditions that the kernel must meet), `en.md` and `ja.md` (the lesson: see lesson.ts), `solution.sh` (by raw commands and by
 * hako's own: see solution.ts). CONTRIBUTING.md says how to add one.
 */
import type { Look } from './look/look.ts';
import type { NeedName } from './needs.ts';

/** A text in each language of the course. */
export interface Text {
  readonly en: string;
  readonly ja: string;
}

/** What a condition saw. */
export interface Finding {
  readonly ok: boolean;
  /** What would be right, where it says more than the condition itself: `quota / period = 0.30 ± 0.01`. */
  readonly expected?: Text | string;
  /** What is there, of the kernel: `cpu.cfs_quota_us = -1`. */
  readonly found: Text | string;
}

/** One thing that must be so. It looks at the kernel only, holds for every way of doing it, and bears things that are there besides. */
export interface Condition {
  /** Unique in its exercise, `kebab-case`; progress is kept by it. */
  readonly id: string;
  /** What must be so, as a sentence without a full stop: "A process of yours is in a UTS namespace of its own". */
  readonly says: Text;
  /** It passes by: an exercise counts when this was true at one moment since it was begun. Others must be true together. */
  readonly once?: true;
  /** Its check does something to what the learner made (it kills a process, to see it come back): it is asked no more once it was true. */
  readonly acts?: true;
  /** Looks. What it throws is a defect of the course, but for LabGone. */
  check(look: Look): Finding | Promise<Finding>;
}

/** What a scene's making may use: the lab's shell. */
export interface Stage {
  /** Runs lines of sh(1) as the lab's root in /root. @returns its standard output @throws LessonError with what it said, when it fails */
  sh(lines: string, environment?: Readonly<Record<string, string>>): Promise<string>;
  /** Copies a file of the machine's into the lab. @param source absolute, of the machine's @param target absolute, in the lab */
  put(source: string, target: string): Promise<void>;
  /** Ten random hexadecimal digits: what cannot be guessed. */
  nonce(): string;
  /** The lab's kernel objects at this moment, one line each. */
  inventory(): readonly string[];
}

/** What was planted when the scene was set, by name: a nonce, a process id, a path. Kept with the learner's progress. */
export type Facts = Readonly<Record<string, string>>;

export interface Exercise {
  /** Features without which it cannot be done; it is then skipped, with the reason and what would enable it. */
  readonly needs?: readonly NeedName[];
  /** It needs a lab whose root is the machine's (`hako lab start --real-root`), and why. */
  readonly realRoot?: Text;
  /** Sets the scene in a lab that was just reset. */
  setup?(stage: Stage): Promise<Facts | void>;
  /** At least one. */
  readonly conditions: readonly Condition[];
}

/** Keeps an exercise's types. */
export const defineExercise = (exercise: Exercise): Exercise => exercise;

/** Something of the course that is not as its format says, or a scene that could not be set; one sentence. */
export class LessonError extends Error {
  override readonly name = 'LessonError';
}

/** The text in a language; a plain string is the same in all. */
export const textIn = (text: Text | string, language: keyof Text): string => (typeof text === 'string' ? text : text[language]);
