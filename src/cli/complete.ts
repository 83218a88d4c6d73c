/** What can follow the words of a command line so far: commands, flags, their values, and names that the engine knows. */
import type { Command, Completes, Entry, Flag } from './command.ts';
import { commands } from './commands.ts';

export interface Candidate {
  readonly word: string;
  readonly description: string;
}

/** `file` asks the shell to complete file names. */
export type Completion = { readonly candidates: readonly Candidate[]; readonly files: boolean };

/** Gives the names of things of one kind; a running engine is asked, none is started. Steps are those of the manual. */
export type Names = (kind: 'container' | 'running' | 'image' | 'volume' | 'step') => Promise<readonly string[]>;

/**
 * @param words after `hako`, the last one being typed, and perhaps empty
 */
export async function complete(words: readonly string[], names: Names): Promise<Completion> {
  const typed = words.at(-1) ?? '';
  let entries: Readonly<Record<string, Entry>> = commands;
  for (const [i, word] of words.slice(0, -1).entries()) {
    if (word.startsWith('-')) continue;
    const entry = Object.hasOwn(entries, word) ? entries[word] : undefined;
    if (!entry) return nothing;
    if (entry.commands) entries = entry.commands;
    else return completeCommand((await entry.load!()).command, words.slice(i + 1, -1), typed, names);
  }
  const listed = Object.entries(entries).filter(([, entry]) => !entry.hidden);
  return matching(
    listed.map(([word, { summary }]) => ({ word, description: summary })),
    typed,
  );
}

const nothing: Completion = { candidates: [], files: false };

async function completeCommand(command: Command, before: readonly string[], typed: string, names: Names): Promise<Completion> {
  const shown = Object.entries(command.flags).filter(([, flag]) => !flag.aliasOf);
  const flagOf = (word: string): Flag | undefined =>
    word.startsWith('--') ? command.flags[word.slice(2)] : /^-[^-]/.test(word) ? shown.find(([, flag]) => flag.short === word.at(-1))?.[1] : undefined;

  const args: string[] = [];
  let wanting: Flag | undefined;
  for (const word of before) {
    if (wanting) wanting = undefined;
    else if (word === '--' || (command.ownsRest && args.length > 0)) args.push(word);
    else if (word.startsWith('-') && word !== '-') {
      const flag = flagOf(word);
      if (flag && flag.kind !== 'bool' && flag.kind !== 'optional') wanting = flag;
    } else args.push(word);
  }
  if (wanting) return values(wanting.completes, typed, names);
  const equals = /^(--[a-z0-9-]+=)(.*)$/.exec(typed);
  if (equals) {
    const { candidates, files } = await values(flagOf(equals[1]!.slice(0, -1))?.completes, equals[2]!, names);
    return { candidates: candidates.map(({ word, description }) => ({ word: equals[1]! + word, description })), files };
  }
  if (command.ownsRest && args.length >= (command.completes?.length ?? 0)) return { candidates: [], files: true };
  if (typed.startsWith('-'))
    return matching(
      [...shown.map(([name, flag]) => ({ word: `--${name}`, description: flag.help.split('\n')[0]! })), { word: '--help', description: 'Print usage' }],
      typed,
    );
  if (args.length >= command.count[1]) return nothing;
  return values(command.completes?.[Math.min(args.length, command.completes.length - 1)], typed, names);
}

async function values(completes: Completes | undefined, typed: string, names: Names): Promise<Completion> {
  if (completes === undefined) return nothing;
  if (completes === 'file') return { candidates: [], files: true };
  const words =
    completes === 'step or container'
      ? [...(await names('step')), ...(await names('container'))]
      : typeof completes === 'string'
        ? await names(completes)
        : completes;
  return matching(
    words.map((word) => ({ word, description: '' })),
    typed,
  );
}

const matching = (candidates: readonly Candidate[], typed: string): Completion => ({
  candidates: candidates.filter(({ word }) => word.startsWith(typed)),
  files: false,
});
