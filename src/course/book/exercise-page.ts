/** The page of an exercise: lesson, folded hints, what the solutions did on this machine, and the answers. */
import { isDeepStrictEqual } from 'node:util';
import type { Chapter, Entry } from '../catalogue.ts';
import { textIn, type Facts } from '../exercise.ts';
import { filledForBoth, namedFacts, sectionNames, type Filling, type Form, type Language } from '../lesson.ts';
import type { Manner } from '../solution.ts';
import type { Standpoint } from '../session.ts';
import { markup, type Html } from './html.ts';
import type { Outcome, Performance } from './performance.ts';
import { codeHtml, otherForm, proseHtml, spansHtml, tableHtml, type Reader } from './prose.ts';
import type { Scrub } from './scrub.ts';
import { shortened } from './transcript.ts';
import { bookWords } from './words.ts';

/** What a book knows of the machine that it is made on. */
export interface Ground {
  readonly form: Form;
  readonly scrub: Scrub;
}

/** An exercise in a book. */
export interface Subject {
  readonly entry: Entry;
  readonly chapter: Chapter;
  /** Undefined in a book without outputs. */
  readonly outcome: Outcome | undefined;
}

const manners: readonly Manner[] = ['raw', 'hako'];

/** What stands in the page's middle. */
export function exerciseHtml({ entry, chapter, outcome }: Subject, language: Language, { form, scrub }: Ground): Html {
  const words = bookWords[language];
  const names = sectionNames[language];
  const lesson = entry.lessons[language];
  const reader: Reader = { form, words };
  const filling: Filling = { form, facts: outcome?.kind === 'done' ? scrubbed(outcome.by.raw.facts, scrub) : namedFacts };
  const prose = (markdown: string): Html => proseHtml(filledForBoth(markdown, filling), reader);
  const folded = (summary: string, content: Html): Html => markup`<details><summary>${summary}</summary>\n${content}</details>\n`;
  const ways = lesson.ways.map(({ raw, hako, calls }) => [raw, hako, calls].map((cell) => filledForBoth(cell, filling)));
  const part = (title: string, content: Html | readonly Html[], name: string): Html =>
    markup`<section class="${name}">\n<h2>${title}</h2>\n${content}</section>\n`;
  return markup`<p class="place">${words.chapter(chapter.number)} ${chapter.title[language]}</p>
<h1><span class="number">${entry.id}</span> ${lesson.title}</h1>
${part(names.goal, prose(lesson.goal), 'goal')}${part(names.background, prose(lesson.background), 'background')}${part(names.task, prose(lesson.task), 'task')}
${part(
  names.hint,
  lesson.hints.map((hint, i) => folded(words.hint(i + 1), prose(hint))),
  'hints',
)}${part(words.solution, solutionHtml(entry, outcome, language, { form, scrub }), 'solution')}${part(names.debrief, prose(lesson.debrief), 'debrief')}
${part(names.ways, tableHtml([words.wayHeads, ...ways]), 'sides')}${part(names.docker, prose(lesson.docker), 'docker')}
${part(
  names.question,
  lesson.questions.map(({ text, answer }) => markup`<div class="question">\n${prose(text)}${folded(words.answer, prose(answer))}</div>\n`),
  'questions',
)}`;
}

function solutionHtml(entry: Entry, outcome: Outcome | undefined, language: Language, ground: Ground): Html {
  const words = bookWords[language];
  const reader: Reader = { form: ground.form, words };
  const lines = (manner: Manner, form: Form): string => entry.solution.lines(manner, form, namedFacts);
  const ways = manners.map((manner) => {
    const shown = outcome?.kind === 'done' ? performanceHtml(outcome.by[manner], outcome.by.raw.facts, language, ground) : codeHtml(lines(manner, ground.form));
    const form = ground.form === 'v1' ? 'v2' : 'v1';
    const other = lines(manner, form) === lines(manner, ground.form) ? undefined : otherForm(form, codeHtml(lines(manner, form)), reader);
    return markup`<details><summary>${words.by[manner]}</summary>\n${shown}${other}</details>\n`;
  });
  return markup`${obstacleHtml(outcome, language, ground.scrub)}${ways}`;
}

/** Why nothing is shown of this machine. */
function obstacleHtml(outcome: Outcome | undefined, language: Language, scrub: Scrub): Html | undefined {
  const words = bookWords[language];
  if (outcome?.kind === 'impossible')
    return markup`<div class="note"><p>${words.impossible}:</p>\n<ul>\n${outcome.reasons.map((reason) => markup`<li>${spansHtml(scrub(reason[language]))}</li>\n`)}</ul></div>\n`;
  if (outcome?.kind === 'failed') return markup`<div class="note"><p>${words.failed}: ${scrub(outcome.why)}</p></div>\n`;
  return undefined;
}

/** @param told the facts in the page's text */
function performanceHtml({ facts, lines, seen, come, gone }: Performance, told: Facts, language: Language, { scrub }: Ground): Html {
  const words = bookWords[language];
  const terminal = lines.map(({ command, expanded, output }, i) => {
    const text = shortened(scrub(output), words.omitted);
    return markup`${i > 0 ? '\n' : ''}${commandHtml(scrub(command))}${expanded.map((each) => markup`\n<samp class="expanded">${scrub(each)}</samp>`)}${text === '' ? undefined : markup`\n<samp>${text}</samp>`}`;
  });
  const changes = (
    [
      [come, words.come, '+'],
      [gone, words.gone, '−'],
    ] as const
  ).flatMap(([objects, label, sign]) =>
    [...counted(objects.map(scrub))].map(
      ([object, count]) =>
        markup`<li><span class="sign" aria-hidden="true">${sign}</span><span class="unseen">${label}: </span><samp>${object}${count > 1 ? ` ×${count}` : ''}</samp></li>\n`,
    ),
  );
  return markup`${seen.passed ? undefined : markup`<p class="note">${words.unmet}</p>\n`}<pre class="terminal" tabindex="0">${terminal}</pre>
${isDeepStrictEqual(facts, told) ? undefined : markup`<p class="caption">${words.facts}</p>\n`}<h3>${words.after}</h3>
<ul class="conditions">
${seen.standpoints.map((standpoint) => standpointHtml(standpoint, language, scrub))}</ul>
${changes.length === 0 ? undefined : markup`<h3>${words.changed}</h3>\n<ul class="changes">\n${changes}</ul>\n`}`;
}

/** A command line; the comments before it are not typed. */
function commandHtml(command: string): Html {
  const [comments = ''] = /^(?:#.*\n)*/.exec(command) ?? [];
  return markup`${comments === '' ? undefined : markup`<span class="comment">${comments}</span>`}<kbd>${command.slice(comments.length)}</kbd>`;
}

function standpointHtml({ condition, finding, met }: Standpoint, language: Language, scrub: Scrub): Html {
  const words = bookWords[language];
  const found = scrub(textIn(finding.found, language));
  const expected = finding.expected === undefined ? '' : scrub(textIn(finding.expected, language));
  const detail = (label: string, text: string): Html | undefined => (text === '' ? undefined : markup`<br><small>${label}: <samp>${text}</samp></small>`);
  return markup`<li class="${met ? 'met' : 'unmet'}"><span class="sign" aria-hidden="true">${met ? '✓' : '·'}</span><span class="unseen">${condition.once && met ? words.was : finding.ok ? words.now : words.not}: </span>${spansHtml(scrub(textIn(condition.says, language)))}${met ? undefined : detail(words.expected, expected)}${detail(condition.once && finding.ok ? words.foundThen : words.found, found)}</li>\n`;
}

/** Equal lines once, with how many they are. */
function counted(lines: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

const scrubbed = (facts: Facts, scrub: Scrub): Facts => Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, scrub(value)]));
