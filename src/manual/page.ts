/**
 * A page of the manual: what `hako explain STEP` says of a step beside the step's own data. Pages are written in Markdown, one file for
 * each area and language (en/mount.md has those of `mount.*`), so that they can be read and written where they lie.
 */

/** The languages that the manual is written in; each has all pages. */
export const languages = ['en', 'ja'] as const;
export type Language = (typeof languages)[number];

/** Where in a container's life a step has its place, in their order. */
export const phases = ['limits', 'files', 'network', 'process', 'inside', 'accompany', 'exec', 'alive', 'end', 'element'] as const;
export type Phase = (typeof phases)[number];

/** The parts of a page, in their order; `see` is another. */
export const parts = ['does', 'why', 'order', 'without', 'pitfalls'] as const;
export type Part = (typeof parts)[number];

/** A page. Each part is paragraphs; one that begins with `- ` is an item of a list, one with four spaces is code. */
export type Page = Readonly<Record<Part, readonly string[]>> & {
  /** The step. */
  readonly id: string;
  readonly title: string;
  /** Neighbouring steps. */
  readonly see: readonly string[];
};

/** How the parts are marked in the files, and named where they are printed. */
export const labels: Readonly<Record<Language, Readonly<Record<Exclude<Part, 'does'> | 'see', string>>>> = {
  en: { why: 'Why', order: 'Why here', without: 'Without it', pitfalls: 'Pitfalls', see: 'See also' },
  ja: { why: 'なぜ必要か', order: 'なぜこの順番か', without: 'ないとどうなるか', pitfalls: 'つまずきやすい点', see: '関連' },
};

/** A page that is not written as it should be. */
export class PageError extends Error {
  override readonly name = 'PageError';
}

/**
 * Reads a file of pages:
 *
 *     ## mount.pivot — Make the new tree the root
 *
 *     What it does, in paragraphs of one line each.
 *
 *     **Why.** …
 *     **Why here.** …
 *     **Without it.** …
 *     **Pitfalls.**
 *     - …
 *     **See also.** mount.root, mount.propagation
 *
 * Lines before the first page are for the reader of the file.
 * @param name of the file, for errors
 * @throws PageError where a part is missing, double, or none that there is
 */
export function parsePages(text: string, language: Language, name: string): Page[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((page) => parsePage(page, language, name));
}

function parsePage(text: string, language: Language, name: string): Page {
  const [heading = '', ...lines] = text.split('\n');
  const [, id, title] = /^([a-z]+(?:\.[a-z][a-z-]*)+) — (\S.*)$/.exec(heading) ?? [];
  if (!id || !title) throw new PageError(`${name}: "## ${heading}" is not "## STEP — TITLE"`);
  const marks = new Map(Object.entries(labels[language]).map(([part, label]) => [label, part as Exclude<Part, 'does'> | 'see']));
  const found = new Map<Part | 'see', string[]>([['does', []]]);
  let part: Part | 'see' = 'does';
  for (const line of lines) {
    const [mark, label] = /^\*\*(.+?)[.。]\*\*\s*/.exec(line) ?? [];
    const next = label === undefined ? undefined : marks.get(label);
    if (label !== undefined && !next) throw new PageError(`${name}, ${id}: there is no part "${label}", only ${[...marks.keys()].join(', ')}`);
    if (next) {
      if (found.has(next)) throw new PageError(`${name}, ${id}: "${label}" is there twice`);
      found.set((part = next), []);
    }
    const rest = line.slice(mark?.length ?? 0).trimEnd();
    if (rest !== '') found.get(part)!.push(rest);
  }
  for (const needed of [...parts, 'see'] as const)
    if (!found.get(needed)?.length) throw new PageError(`${name}, ${id}: ${needed === 'does' ? 'what it does' : `"${labels[language][needed]}"`} is missing`);
  const [does, why, order, without, pitfalls] = parts.map((each) => found.get(each)!);
  return {
    id,
    title,
    does: does!,
    why: why!,
    order: order!,
    without: without!,
    pitfalls: pitfalls!,
    see: found
      .get('see')!
      .join(' ')
      .split(/[,、]\s*/),
  };
}
