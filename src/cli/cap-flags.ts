/** The flags that choose a process's capabilities, of `hako cap run` and `hako cap predict`. */
import type { Chosen } from '../element/cap/run.ts';
import { maskOf } from '../element/cap/text.ts';
import { machineUser } from '../element/cap/user.ts';
import type { Flags, Values } from './command.ts';
import { refusal } from './element.ts';

const list = (help: string): { readonly kind: 'list'; readonly placeholder: string; readonly help: string } => ({ kind: 'list', placeholder: 'caps', help });

export const capFlags = {
  add: list('Keep these, whatever --drop says'),
  ambient: list('Ambient set: passed on by execve to programs without privileges of their own; put into permitted and inheritable too'),
  bounding: list('Bounding set: the most that any program can get from now on'),
  drop: list("Take these out of every set; 'all' takes all"),
  effective: list('Effective set before execve'),
  inheritable: list("Inheritable set: passed on where the file's inheritable set has them too, and to uid 0"),
  'no-new-privs': { kind: 'bool', help: 'No program gains privileges any more, by set-ID bits or file capabilities' },
  permitted: list('Permitted set before execve'),
  securebits: { kind: 'list', placeholder: 'bits', help: 'noroot, no-setuid-fixup, no-cap-ambient-raise, keep-caps, each also with -locked; or none' },
  user: { kind: 'string', short: 'u', help: 'User to become (format: "<name|uid>[:<group|gid>]")' },
} as const satisfies Flags;

/** What was chosen. @throws CommandError for names that there are not */
export function chosenBy(flags: Values<typeof capFlags>, given: ReadonlySet<string>): Chosen {
  const set = (name: 'add' | 'ambient' | 'bounding' | 'drop' | 'effective' | 'inheritable' | 'permitted'): Chosen =>
    given.has(name) ? { [name]: maskOf(flags[name]) } : {};
  try {
    return {
      ...set('add'),
      ...set('ambient'),
      ...set('bounding'),
      ...set('drop'),
      ...set('effective'),
      ...set('inheritable'),
      ...set('permitted'),
      ...(given.has('securebits') ? { securebits: flags.securebits.flatMap((bits) => bits.split(',')).filter((bit) => bit !== '' && bit !== 'none') } : {}),
      ...(flags['no-new-privs'] ? { noNewPrivileges: true } : {}),
      ...(flags.user ? { user: machineUser(flags.user) } : {}),
    };
  } catch (error) {
    throw refusal(error);
  }
}
