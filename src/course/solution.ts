/**
 * The solution of an exercise, `solution.sh`: parts headed by `#: raw` and `#: hako`, where need be for one form of cgroups (`#: raw v1`).
 * Each is lines of bash(1) that are run in the lab as its root, in /root; processes may stay behind. What stands before the first part
 * begins all of them.
 */
import { LessonError, type Facts } from './exercise.ts';
import { cgroupDirectory, withValues, type Form } from './lesson.ts';

/** By raw commands, or by hako's own. */
export type Manner = 'raw' | 'hako';

export interface Solution {
  /** @returns the lines of a manner, placeholders filled */
  lines(manner: Manner, form: Form, facts: Facts): string;
}

/** @param file its name, for errors @throws LessonError where a part is missing, or unknown */
export function parseSolution(text: string, file: string): Solution {
  const parts = new Map<string, string>();
  const [before = '', ...headed] = text.split(/^#: /m);
  const beginning = before.trim() === '' ? '' : `${before.trim()}\n`;
  for (const part of headed) {
    const end = part.indexOf('\n');
    const head = part.slice(0, end).trim();
    if (!/^(raw|hako)( v[12])?$/.test(head))
      throw new LessonError(`${file}: "#: ${head}" heads no part: they are raw and hako, each perhaps with v1 or v2 behind it`);
    if (parts.has(head)) throw new LessonError(`${file}: the part "${head}" is there twice`);
    parts.set(head, part.slice(end + 1).trim());
  }
  const of = (manner: Manner, form: Form): string => {
    const found = parts.get(`${manner} ${form}`) ?? parts.get(manner);
    if (!found) throw new LessonError(`${file}: the part "${manner}" for cgroup ${form} is missing or empty`);
    return found;
  };
  for (const manner of ['raw', 'hako'] as const) for (const form of ['v1', 'v2'] as const) of(manner, form);
  if (of('raw', 'v1') === of('hako', 'v1')) throw new LessonError(`${file}: both parts are the same`);
  if (!/\bhako(-oci)?\b/.test(of('hako', 'v1') + of('hako', 'v2'))) throw new LessonError(`${file}: the part "hako" does not use hako`);
  return {
    lines: (manner, form, facts) => withValues(beginning + of(manner, form), (kind, name) => (kind === 'cgroup' ? cgroupDirectory(name, form) : facts[name])),
  };
}
