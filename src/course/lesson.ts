/**
 * A lesson: what `en.md` or `ja.md` of an exercise says, in sections with fixed names. CONTRIBUTING.md describes the format. In code and
 * prose `{{cgroup:cpu}}` stands for the lab's root cgroup of a controller, and `{{fact:NAME}}` for what was planted in the scene;
 * a block ```sh v1 or ```sh v2 is shown where the controllers are in that version.
 */
import { LessonError, type Facts, type Text } from './exercise.ts';
import { tableCells } from './markdown.ts';

/** A language of the course. */
export type Language = keyof Text;

/** Where the cgroup controllers of the CPU and of memory are. */
export type Form = 'v1' | 'v2';

export interface Question {
  readonly text: string;
  readonly answer: string;
}

/** A row of the table that puts both ways beside each other: cells of Markdown. */
export interface Way {
  readonly raw: string;
  readonly hako: string;
  readonly calls: string;
}

/** All texts are Markdown, as they stand in the file. */
export interface Lesson {
  readonly title: string;
  readonly goal: string;
  readonly background: string;
  readonly task: string;
  /** From a nudge to nearly the command. */
  readonly hints: readonly string[];
  readonly debrief: string;
  readonly ways: readonly Way[];
  readonly docker: string;
  readonly questions: readonly Question[];
}

/** The names of the sections, in their order. */
export const sectionNames = {
  en: {
    goal: 'Goal',
    background: 'Background',
    task: 'Task',
    hint: 'Hint',
    debrief: 'Debrief',
    ways: 'Side by side',
    docker: 'With Docker',
    question: 'Question',
    answer: '**Answer.**',
  },
  ja: {
    goal: '目標',
    background: '背景',
    task: '課題',
    hint: 'ヒント',
    debrief: '解説',
    ways: '並べて見る',
    docker: 'Docker では',
    question: '問い',
    answer: '**答え。**',
  },
} as const satisfies Record<Language, Readonly<Record<string, string>>>;

/** Parses a lesson. @param file its name, for errors @throws LessonError that names file and section */
export function parseLesson(text: string, language: Language, file: string): Lesson {
  const names = sectionNames[language];
  const [head = '', ...rest] = text.split(/^## /m);
  const title = /^# (.+)\n/.exec(head)?.[1]?.trim();
  if (!title) throw new LessonError(`${file}: the first line must be "# Title"`);
  const sections = rest.map((part): readonly [string, string] => {
    const end = part.indexOf('\n');
    return [part.slice(0, end).trim(), part.slice(end + 1).trim()];
  });
  const known: readonly string[] = Object.values(names);
  const stray = sections.find(([name]) => !known.includes(name));
  if (stray) throw new LessonError(`${file}: there is no section "${stray[0]}"; they are: ${known.slice(0, -1).join(', ')}`);
  const all = (name: string): string[] => sections.filter(([found]) => found === name).map(([, body]) => body);
  const one = (name: string): string => {
    const [body, second] = all(name);
    if (!body) throw new LessonError(`${file}: the section "${name}" is missing or empty`);
    if (second !== undefined) throw new LessonError(`${file}: the section "${name}" is there twice`);
    return body;
  };
  const several = (name: string, least: number): string[] => {
    const bodies = all(name);
    if (bodies.length < least || bodies.includes('')) throw new LessonError(`${file}: ${least} or more sections "${name}" are needed, none of them empty`);
    return bodies;
  };
  return {
    title,
    goal: one(names.goal),
    background: one(names.background),
    task: one(names.task),
    hints: several(names.hint, 2),
    debrief: one(names.debrief),
    ways: parseWays(one(names.ways), `${file}: "${names.ways}"`),
    docker: one(names.docker),
    questions: several(names.question, 1).map((body) => {
      const at = body.indexOf(names.answer);
      if (at <= 0) throw new LessonError(`${file}: a section "${names.question}" needs a paragraph that begins with ${names.answer}`);
      return { text: body.slice(0, at).trim(), answer: body.slice(at + names.answer.length).trim() };
    }),
  };
}

/** A table of three columns. */
function parseWays(body: string, where: string): Way[] {
  const rows = body
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map(tableCells);
  if (rows.length < 3 || rows.some((cells) => cells.length !== 3))
    throw new LessonError(`${where} must be a table of three columns with a head and a row or more`);
  return rows.slice(2).map(([raw, hako, calls]) => ({ raw: raw!, hako: hako!, calls: calls! }));
}

/** What must agree between a lesson's languages, as a sentence where it does not. */
export function disagreement(en: Lesson, ja: Lesson): string | undefined {
  const counts = (lesson: Lesson): Record<string, number> => ({
    hints: lesson.hints.length,
    questions: lesson.questions.length,
    'rows of the table': lesson.ways.length,
    'blocks for v1': blocks(lesson, 'v1'),
    'blocks for v2': blocks(lesson, 'v2'),
  });
  const [a, b] = [counts(en), counts(ja)];
  const different = Object.keys(a).find((key) => a[key] !== b[key]);
  return different && `en.md has ${a[different]} ${different}, ja.md ${b[different]}`;
}

const blocks = ({ background, task, hints, debrief, docker }: Lesson, form: Form): number =>
  [background, task, ...hints, debrief, docker].join('\n').split(`\n\`\`\`sh ${form}\n`).length - 1;

/** What placeholders stand for. */
export interface Filling {
  readonly form: Form;
  readonly facts: Facts;
}

/** The directory of a controller's root cgroup, as a lab of this form has it. */
export const cgroupDirectory = (controller: string, form: Form): string => (form === 'v1' ? `/sys/fs/cgroup/${controller}` : '/sys/fs/cgroup');

/** Markdown for a reader of one form: the blocks of the other left out, placeholders filled. @throws LessonError for an unknown one */
export function filled(markdown: string, { form, facts }: Filling): string {
  const other = form === 'v1' ? 'v2' : 'v1';
  return withValues(
    markdown.replace(new RegExp(`^\`\`\`sh ${other}\\n[\\s\\S]*?^\`\`\`\\n?`, 'gm'), '').replace(new RegExp(`^\`\`\`sh ${form}$`, 'gm'), '```sh'),
    (kind, name) => (kind === 'cgroup' ? cgroupDirectory(name, form) : facts[name]),
  );
}

/** The same with the blocks of both forms, each with the directories of its own; the rest is for the reader's. @throws LessonError for an unknown one */
export const filledForBoth = (markdown: string, { form, facts }: Filling): string =>
  markdown
    .split(/^(```sh v[12]\n[\s\S]*?^```)$/m)
    .map((part) =>
      withValues(part, (kind, name) => (kind === 'cgroup' ? cgroupDirectory(name, (/^```sh (v[12])\n/.exec(part)?.[1] as Form) ?? form) : facts[name])),
    )
    .join('');

/** Facts where no scene was set: each stands by its name. */
export const namedFacts: Facts = new Proxy({}, { get: (_, name) => `<${String(name)}>` });

/** Puts values in the place of `{{KIND:NAME}}`. @throws LessonError */
export function withValues(text: string, value: (kind: 'cgroup' | 'fact', name: string) => string | undefined): string {
  return text.replace(/\{\{(\w+):([\w-]+)\}\}/g, (whole, kind: string, name: string) => {
    const found = kind === 'cgroup' || kind === 'fact' ? value(kind, name) : undefined;
    if (found === undefined) throw new LessonError(`${whole} stands for nothing: known are {{cgroup:CONTROLLER}} and {{fact:NAME}} of the scene`);
    return found;
  });
}
