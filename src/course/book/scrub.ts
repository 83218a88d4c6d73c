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
  const user = whoRuns();
  const name = hostname();
  const names = [
    ...[name, name.split('.')[0]!].filter((each) => !common.has(each.toLowerCase())).map((each) => [each, 'machine'] as const),
    ...(common.has(user.username) ? [] : [[user.username, 'learner'] as const]),
  ];
  return scrubOf(
    [
      [labDirectory(lab), '/run/hako/labs/lab'],
      [dirname(labDirectory(lab)), '/run/hako/labs'],
      [clone(), '/opt/hako'],
      ...(user.homedir === '/root' || user.homedir === '/' ? [] : [[user.homedir, '/home/learner'] as const]),
      [lab, defaultName({})],
    ],
    names,
  );
}

/** A user without an entry in passwd(5) has no name to tell. */
function whoRuns(): { readonly username: string; readonly homedir: string } {
  try {
    return userInfo();
  } catch {
    return { username: 'user', homedir: '/' };
  }
}

const clone = (): string => resolve(join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? '../../..' : '..'));

/**
 * @param parts are taken out wherever they begin and end with a word
 * @param names only where they stand alone: a machine called `vm` leaves `/proc/sys/vm` and `vm.swappiness` as they are
 */
export function scrubOf(parts: readonly Replacement[], names: readonly Replacement[]): Scrub {
  const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
  const patterns = [
    ...parts.map(([part, instead]) => [new RegExp(`(?<![A-Za-z0-9])${literal(part)}(?![A-Za-z0-9])`, 'g'), instead] as const),
    ...names.map(([name, instead]) => [new RegExp(`(?<![\\w/.-])${literal(name)}(?![\\w/-]|\\.\\w)`, 'g'), instead] as const),
  ];
  return (text) => patterns.reduce((left, [pattern, instead]) => left.replaceAll(pattern, () => instead), withoutOrders(text));
}

/** Colours and movements of the cursor. See ECMA-48, "Control sequences". */
const withoutOrders = (text: string): string => text.replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\r(?=\n)/g, ''); // oxlint-disable-line no-control-regex -- they are what is looked for
