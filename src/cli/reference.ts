/** The reference of all commands, docs/cli.md, made from their tables. `scripts/cli-docs.ts` writes it; a test holds it current. */
import type { Entry } from './command.ts';
import { commands } from './commands.ts';
import { helpText, namesOf } from './help.ts';

/** The whole document. A command that has several names is described once, under the shortest. */
export async function referenceText(): Promise<string> {
  const paths = Object.entries(commands).flatMap(([word, entry]) => pathsOf([word], entry));
  const shown = paths.filter(({ path, entry }) => shortest(entry) === ['hako', ...path].join(' '));
  const sections = await Promise.all(shown.map(async ({ path }) => `## hako ${path.join(' ')}\n\n\`\`\`text\n${await helpText(path)}\`\`\`\n`));
  const list = shown.map(({ path, entry }) => `| [\`hako ${path.join(' ')}\`](#hako-${path.join('-')}) | ${entry.summary} |`);
  return [
    '# The command line',
    "Made from the tables in `src/cli/commands/` by `node scripts/cli-docs.ts`; edit those. Names, flags, output and exit codes are Docker's.",
    "Exit codes of `hako run` and `hako exec`: that of the command; 128 and the signal's number when a signal ended it; 125 when the engine or the command line is at fault; 126 when the command cannot be run; 127 when it does not exist.",
    `| command | what it does |\n|---|---|\n${list.join('\n')}`,
    ...sections,
  ]
    .join('\n\n')
    .replace(/\n{3,}/g, '\n\n');
}

interface Place {
  readonly path: readonly string[];
  readonly entry: Entry;
}

function pathsOf(path: readonly string[], entry: Entry): Place[] {
  if (entry.hidden) return [];
  return entry.commands ? Object.entries(entry.commands).flatMap(([word, inner]) => pathsOf([...path, word], inner)) : [{ path, entry }];
}

/** Of the names with the fewest words, the first. */
function shortest(entry: Entry): string | undefined {
  const names = namesOf(entry);
  const words = (name: string | undefined): number => name?.split(' ').length ?? 0;
  return names.find((name) => words(name) === words(names.at(-1)));
}
