/**
 * What a page must not tell of the machine that the book was made on: its name, its user, where this clone and the lab's files lie. The
 * kernel shows them in the lab, too (a bind mount's source, a process's group). The lab is called as a learner's is.
 */
import { hostname, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { defaultName, labDirectory } from '../../lab/place.ts';

/** Takes it out of a text. */
export type Scrub = (text: string) => string;

/** A name and what stands for it. */
type Replacement = readonly [name: string, instead: string];

/** Names that are on every machine, and words besides. */
const common = new Set(['root', 'localhost', 'localhost.localdomain', 'user', 'host', 'linux']);

/** @param lab the name of the book's lab */
export function scrubber(lab: string): Scrub {
  const user = userInfo();
  const name = hostname();
  return scrubOf([
    [labDirectory(lab), '/run/hako/labs/lab'],
    [dirname(labDirectory(lab)), '/run/hako/labs'],
    [clone(), '/opt/hako'],
    ...(user.homedir === '/root' || user.homedir === '/' ? [] : [[user.homedir, '/home/learner'] as const]),
    ...[name, name.split('.')[0]!].filter((each) => !common.has(each.toLowerCase())).map((each) => [each, 'machine'] as const),
    ...(common.has(user.username) ? [] : [[user.username, 'learner'] as const]),
    [lab, defaultName({})],
  ]);
}

const clone = (): string => resolve(join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '../../..' : '..'));

/** Whole words only: a machine called `web` leaves `website` as it is. Orders to a terminal go, too. */
export function scrubOf(replacements: readonly Replacement[]): Scrub {
  const patterns = replacements
    .filter(([name]) => name !== '')
    .map(([name, instead]) => [new RegExp(`(?<![A-Za-z0-9])${name.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&')}(?![A-Za-z0-9])`, 'g'), instead] as const);
  return (text) => patterns.reduce((left, [pattern, instead]) => left.replaceAll(pattern, () => instead), withoutOrders(text));
}

/** Colours and movements of the cursor. See ECMA-48, "Control sequences". */
const withoutOrders = (text: string): string => text.replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\r(?=\n)/g, ''); // oxlint-disable-line no-control-regex -- they are what is looked for
