/**
 * The manual as a whole. In the sources it is read from the Markdown files and examples.json; `scripts/build.ts` writes the same as one
 * file beside the bundle, which only `hako explain` reads (docs/decisions/manual.md).
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { languages, parsePages, type Language, type Page, type Phase } from './page.ts';

/** A real step, as a procedure of the engine's gave it: nothing in it is written by hand. */
export interface Example {
  readonly id: string;
  readonly phase: Phase;
  readonly what: string;
  readonly shell: string;
  readonly calls: readonly string[];
  readonly look: string;
  readonly undo: readonly string[];
  /** Why there is nothing to undo; empty where `undo` says it. */
  readonly undone: string;
  /** Manual pages of the calls. */
  readonly man: readonly string[];
}

export interface Manual {
  readonly pages: Readonly<Record<Language, readonly Page[]>>;
  /** In the order of a container's life. */
  readonly examples: readonly Example[];
}

/** The name of the file beside the bundle. */
export const bundledName = 'manual.json';

/** Reads the manual. */
export function readManual(): Manual {
  const bundled = join(import.meta.dirname, bundledName);
  return existsSync(bundled) ? (JSON.parse(readFileSync(bundled, 'utf8')) as Manual) : readSources();
}

/** Reads the manual from its sources. @throws PageError */
export function readSources(): Manual {
  const directory = import.meta.dirname;
  const pagesIn = (language: Language): Page[] =>
    globSync(`${language}/*.md`, { cwd: directory })
      .toSorted()
      .flatMap((file) => parsePages(readFileSync(join(directory, file), 'utf8'), language, file));
  return {
    pages: Object.fromEntries(languages.map((language) => [language, pagesIn(language)])) as unknown as Manual['pages'],
    examples: JSON.parse(readFileSync(join(directory, 'examples.json'), 'utf8')) as Example[],
  };
}
