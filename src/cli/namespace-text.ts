/** Namespaces as text: who is in each, and what keeps it, in few words. */
import { hiddenBecause, unlessRoot } from '../element/error.ts';
import type { Keeper, Member, Namespace } from '../element/ns/survey.ts';

/** Names of which more than these are only counted. */
const named = 3;

/** `sleep (4711), sh (12) and 5 more`. */
export function membersText(members: readonly Member[]): string {
  return listText(members.map(({ pid, tid, command }) => `${command} (${pid}${tid === undefined ? '' : `, thread ${tid}`})`));
}

/** Up to three words, and how many more there are. */
export function listText(words: readonly string[]): string {
  const more = words.length - named;
  return more > 1 ? `${words.slice(0, named).join(', ')} and ${more} more` : words.join(', ');
}

/** `mount /run/uts`, `descriptor 24 of hakod (19811)`. */
export function keeperText(keeper: Keeper): string {
  if (keeper.kind === 'mount') return `mount ${keeper.path}`;
  if (keeper.kind === 'descriptor') return `descriptor ${keeper.fd} of ${keeper.command} (${keeper.pid})`;
  return `for children of ${keeper.command} (${keeper.pid})`;
}

/** Who is in it, or else what keeps it. */
export function holdersText({ type, members, keepers, containers }: Namespace & { readonly containers: readonly string[] }): string {
  const kept = [...new Set(keepers.map(keeperText))];
  const words = [
    ...(containers.length ? [`container${containers.length > 1 ? 's' : ''} ${listText(containers)}`] : []),
    ...(members.length ? [membersText(members)] : []),
    ...(kept.length ? [listText(kept)] : []),
  ];
  return words.join('; ') || (type === 'user' || type === 'pid' ? 'what is beneath it' : 'something that /proc does not show');
}

/** The note on what could not be looked at; empty when all could. */
export function hiddenText(hidden: number): string {
  if (hidden === 0) return '';
  const many = hidden > 1;
  return `The kernel does not show the namespaces of ${hidden} process${many ? 'es' : ''}: ${hiddenBecause(many)}.${unlessRoot(' Run hako as root to see more.')}\n`;
}

/** Cuts lines to a terminal's width; elsewhere they stay whole. */
export function fitted(text: string, stream: { readonly isTTY?: boolean; readonly columns?: number }): string {
  const width = stream.isTTY ? stream.columns : undefined;
  if (!width) return text;
  return text.replace(/^.*$/gm, (line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
}
