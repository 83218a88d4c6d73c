/** Lessons, conditions and the list of exercises on a terminal. */
import type { Chapter, Entry } from '../course/catalogue.ts';
import { textIn } from '../course/exercise.ts';
import { filled, type Filling, type Language } from '../course/lesson.ts';
import type { Progress } from '../course/progress.ts';
import type { Seen, Standpoint } from '../course/session.ts';
import { learnWords } from './learn-words.ts';
import { markdownLines, rowsLines } from './markdown-text.ts';
import type { TextOptions } from './paint.ts';
import { wrapProse } from './prose.ts';
import { printable } from './terminal-text.ts';

/** In which language and how a learner is spoken to. */
export interface Speech extends TextOptions {
  readonly language: Language;
}

const section = (title: string, lines: readonly string[], { paint }: Speech): string[] => [paint('bold', title), '', ...lines, ''];

const titleLine = ({ id, lessons }: Entry, { language, paint }: Speech): string => `${paint('inverse', ` ${id} `)} ${paint('bold', lessons[language].title)}`;

/** Goal, background and task. */
export function taskLines(entry: Entry, filling: Filling, speech: Speech): string[] {
  const words = learnWords[speech.language];
  const lesson = entry.lessons[speech.language];
  const text = (markdown: string): string[] => markdownLines(filled(markdown, filling), speech);
  return [
    titleLine(entry, speech),
    '',
    ...section(words.goal, text(lesson.goal), speech),
    ...section(words.background, text(lesson.background), speech),
    ...section(words.task, text(lesson.task), speech),
  ];
}

/** Hints, as many as were asked for. */
export function hintLines(entry: Entry, count: number, filling: Filling, speech: Speech): string[] {
  const { hints } = entry.lessons[speech.language];
  return hints
    .slice(0, count)
    .flatMap((hint, i) => section(learnWords[speech.language].hint(i + 1, hints.length), markdownLines(filled(hint, filling), speech), speech));
}

/** The debrief, both ways beside each other, and what Docker does. */
export function debriefLines(entry: Entry, filling: Filling, speech: Speech): string[] {
  const words = learnWords[speech.language];
  const lesson = entry.lessons[speech.language];
  const text = (markdown: string): string[] => markdownLines(filled(markdown, filling), speech);
  const cell = (markdown: string): string => filled(markdown, filling);
  const rows = lesson.ways.map(({ raw, hako, calls }) => [cell(raw), cell(hako), cell(calls)]);
  return [
    titleLine(entry, speech),
    '',
    ...section(words.debrief, text(lesson.debrief), speech),
    ...section(words.ways, rowsLines([words.wayHeads, ...rows], speech), speech),
    ...section(words.docker, text(lesson.docker), speech),
  ];
}

/** How each condition stands. */
export const standpointLines = (seen: Seen, speech: Speech): string[] => [
  speech.paint('bold', learnWords[speech.language].conditions),
  '',
  ...seen.standpoints.flatMap((standpoint) => standpointOf(standpoint, speech)),
];

function standpointOf({ condition, finding, met, wasTrue }: Standpoint, { language, paint, width }: Speech): string[] {
  const words = learnWords[language];
  const state = finding.ok ? words.now : met || wasTrue ? words.was : words.not;
  const mark = finding.ok ? paint('green', '✓') : met ? paint('green', '✓') : wasTrue ? paint('yellow', '~') : paint('dim', '·');
  const detail = (label: string, text: string): string[] =>
    text === '' ? [] : wrapProse(`${label}: ${printable(text)}`, width - 6).map((line, i) => paint('dim', `${i === 0 ? '    ' : '      '}${line}`));
  return [
    ...wrapProse(`${textIn(condition.says, language)} (${state})`, width - 4).map((line, i) => `${i === 0 ? `${mark} ` : '  '}${line}`),
    ...(met
      ? []
      : [
          ...(finding.expected === undefined ? [] : detail(words.expected, textIn(finding.expected, language))),
          ...detail(words.found, textIn(finding.found, language)),
        ]),
  ];
}

/** A line for who has no screen to draw on: what changed. */
export const standpointLine = ({ condition, finding }: Standpoint, { language }: Speech): string => {
  const words = learnWords[language];
  return `${finding.ok ? '✓' : '·'} ${textIn(condition.says, language)}: ${finding.ok ? words.now : `${words.not}; ${words.found}: ${printable(textIn(finding.found, language))}`}`;
};

/** Chapters and exercises, with how far the learner is. @param reasons why some cannot be done here, by their ids */
export function listLines(chapters: readonly Chapter[], progress: Progress, reasons: ReadonlyMap<string, string>, speech: Speech): string[] {
  const { language, paint, width } = speech;
  const words = learnWords[language];
  const all = chapters.flatMap(({ exercises }) => exercises);
  const done = all.filter(({ id }) => progress.exercises[id]?.passed).length;
  return [
    ...chapters.flatMap(({ number, title, exercises }) => [
      paint('bold', `${number}  ${title[language]}`),
      ...exercises.flatMap((entry) => {
        const isCurrent = progress.current?.id === entry.id;
        const mark = progress.exercises[entry.id]?.passed ? paint('green', '✓') : isCurrent ? paint('cyan', '→') : ' ';
        const title = entry.lessons[language].title;
        const line = `${mark} ${entry.id.padEnd(5)} ${title}`;
        const why = reasons.get(entry.id);
        const reason = why === undefined ? [] : wrapProse(`${words.skipped}: ${why}`, width - 8).map((text) => paint('dim', `        ${text}`));
        return [isCurrent ? paint('bold', line) : line, ...reason];
      }),
      '',
    ]),
    words.progress(done, all.length),
  ];
}
