/**
 * All exercises, found by looking: `exercises/05-cgroup/03-cpu/` is exercise 5.3. In the sources the folders are read; `scripts/build.ts`
 * writes the same as one file beside the bundle, with each `exercise.ts` as a module of its own (docs/decisions/course.md).
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LessonError, type Exercise, type Text } from './exercise.ts';
import { disagreement, parseLesson, type Language, type Lesson } from './lesson.ts';
import { parseSolution, type Solution } from './solution.ts';

/** An exercise as its folder has it. */
export interface Entry {
  /** `5.3` */
  readonly id: string;
  readonly chapter: number;
  readonly lessons: Readonly<Record<Language, Lesson>>;
  readonly solution: Solution;
  /** Conditions, needs and scene: loaded when they are asked for. */
  readonly load: () => Promise<Exercise>;
}

export interface Chapter {
  readonly number: number;
  readonly title: Text;
  readonly exercises: readonly Entry[];
}

/** The texts of an exercise's folder, and the name of its module. */
export interface Source {
  readonly id: string;
  /** `05-cgroup/03-cpu` */
  readonly folder: string;
  readonly chapter: Text;
  readonly en: string;
  readonly ja: string;
  readonly solution: string;
}

/** The name of the file beside the bundle. */
export const bundledName = 'course.json';

/** The module of an exercise beside the bundle, without its ending. */
export const moduleName = (folder: string): string => `exercise-${folder.replace('/', '-')}`;

let known: readonly Chapter[] | undefined;

/** The course, in order. @throws LessonError for a folder that is not as it must be */
export const chapters = (): readonly Chapter[] => (known ??= assemble(readCatalogue()));

/** All exercises, in order. */
export const entries = (): readonly Entry[] => chapters().flatMap(({ exercises }) => exercises);

function readCatalogue(): readonly Source[] {
  const bundled = join(import.meta.dirname, bundledName);
  return existsSync(bundled) ? (JSON.parse(readFileSync(bundled, 'utf8')) as Source[]) : readSources();
}

const folders = join(import.meta.dirname, 'exercises');

/** Reads the folders. @throws LessonError where a file is missing */
export function readSources(directory = folders): Source[] {
  return globSync('*/*/', { cwd: directory })
    .map((folder) => folder.replace(/\/$/, ''))
    .toSorted()
    .map((folder) => {
      const [, chapter, number] = /^(\d\d)-[a-z0-9-]+\/(\d\d)-[a-z0-9-]+$/.exec(folder) ?? [];
      if (!chapter || !number) throw new LessonError(`exercises/${folder}: a folder's name begins with two digits: 05-cgroup/03-cpu`);
      const read = (name: string): string => {
        try {
          return readFileSync(join(directory, folder, name), 'utf8');
        } catch {
          throw new LessonError(`exercises/${folder}: ${name} is missing; an exercise has exercise.ts, en.md, ja.md and solution.sh, its chapter chapter.json`);
        }
      };
      return {
        id: `${Number(chapter)}.${Number(number)}`,
        folder,
        chapter: JSON.parse(read('../chapter.json')) as Text,
        en: read('en.md'),
        ja: read('ja.md'),
        solution: read('solution.sh'),
      };
    });
}

/** @throws LessonError */
export function assemble(sources: readonly Source[], directory = folders): Chapter[] {
  const found = new Map<number, { title: Text; exercises: Entry[] }>();
  for (const source of sources) {
    const { id, folder } = source;
    const number = Number(id.split('.')[0]);
    const lessons = { en: parseLesson(source.en, 'en', `${folder}/en.md`), ja: parseLesson(source.ja, 'ja', `${folder}/ja.md`) };
    const differs = disagreement(lessons.en, lessons.ja);
    if (differs) throw new LessonError(`${folder}: ${differs}`);
    const chapter = found.get(number) ?? { title: source.chapter, exercises: [] };
    chapter.exercises.push({
      id,
      chapter: number,
      lessons,
      solution: parseSolution(source.solution, `${folder}/solution.sh`),
      load: () => load(folder, directory),
    });
    found.set(number, chapter);
  }
  return [...found].map(([number, chapter]) => ({ number, ...chapter })).toSorted((a, b) => a.number - b.number);
}

async function load(folder: string, directory: string): Promise<Exercise> {
  const bundled = join(import.meta.dirname, `${moduleName(folder)}.mjs`);
  const path = existsSync(bundled) ? bundled : join(directory, folder, 'exercise.ts');
  const { default: exercise } = (await import(path)) as { default: Exercise };
  if (exercise.conditions.length === 0) throw new LessonError(`${folder}/exercise.ts has no condition`);
  return exercise;
}
