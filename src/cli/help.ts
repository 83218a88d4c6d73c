/** The text of `--help`, in Docker's layout, made from the commands' tables. */
import { UsageError, type Command, type Entry, type Flag } from './command.ts';
import { commands } from './commands.ts';
import { printablePainted } from './terminal-text.ts';

/**
 * @param path a command's name in words, such as `['image', 'ls']`; empty for hako itself
 * @throws UsageError when there is no such command
 */
export async function helpText(path: readonly string[]): Promise<string> {
  let entry: Entry = { summary: 'A container engine, straight on the Linux kernel', commands };
  for (const [i, word] of path.entries()) {
    const next = entry.commands && Object.hasOwn(entry.commands, word) ? entry.commands[word] : undefined;
    if (!next) throw new UsageError(`unknown command: hako ${path.slice(0, i + 1).join(' ')}`, 1);
    entry = next;
  }
  const name = ['hako', ...path].join(' ');
  if (entry.commands) return groupHelp(name, entry);
  const { command } = await entry.load!();
  return commandHelp(name, entry, command);
}

function groupHelp(name: string, group: Entry): string {
  const listed = Object.entries(group.commands!).filter(([, entry]) => !entry.hidden);
  const width = Math.max(...listed.map(([word]) => word.length)) + 3;
  const list = (title: string, entries: typeof listed): string =>
    entries.length ? `\n${title}:\n${entries.map(([word, entry]) => `  ${word.padEnd(width)}${entry.summary}\n`).join('')}` : '';
  return [
    `Usage:  ${name}${name === 'hako' ? ' [OPTIONS]' : ''} COMMAND\n\n${group.summary}\n`,
    list(
      'Management Commands',
      listed.filter(([, entry]) => entry.commands),
    ),
    list(
      'Commands',
      listed.filter(([, entry]) => !entry.commands),
    ),
    name === 'hako' ? `\nOptions:\n${flagLines({ version: { kind: 'bool', short: 'v', help: 'Print version information and quit' } }).join('\n')}\n` : '',
    `\nRun '${name} COMMAND --help' for more information on a command.\n`,
  ].join('');
}

function commandHelp(name: string, entry: Entry, command: Command): string {
  const usage = command.usage.map((form) => `${name} ${form}`.trimEnd()).join('\n        ');
  const aliases = namesOf(entry);
  const options = flagLines(command.flags);
  return [
    `Usage:  ${usage}\n\n${entry.summary}\n`,
    command.description ? `\n${command.description}\n` : '',
    aliases.length > 1 ? `\nAliases:\n  ${aliases.join(', ')}\n` : '',
    options.length ? `\nOptions:\n${options.join('\n')}\n` : '',
  ].join('');
}

/** All names of a command, the longest path first. */
export function namesOf(entry: Entry): string[] {
  const names: string[] = [];
  const visit = (entries: Readonly<Record<string, Entry>>, prefix: string): void => {
    for (const [word, other] of Object.entries(entries)) {
      if (other.commands) visit(other.commands, `${prefix} ${word}`);
      else if (other.load === entry.load) names.push(`${prefix} ${word}`);
    }
  };
  visit(commands, 'hako');
  return names.toSorted((a, b) => b.split(' ').length - a.split(' ').length);
}

/** What stands for a flag's value: the placeholder, or the name of its kind; nothing for a switch. */
function placeholderOf(flag: Flag): string {
  if (flag.kind === 'bool') return '';
  return flag.placeholder ?? (flag.kind === 'optional' ? 'string' : flag.kind);
}

/** The lines of the `Options:` section, wrapped to 80 columns. */
export function flagLines(flags: Readonly<Record<string, Flag>>): string[] {
  const shown = Object.entries(flags)
    .filter(([, flag]) => !flag.aliasOf)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const rows = shown.map(([name, flag]) => {
    const value = placeholderOf(flag);
    const joint = flag.kind === 'optional' ? `[=${value}]` : value ? ` ${value}` : '';
    return { left: `  ${flag.short ? `-${flag.short}, ` : '    '}--${name}${joint}`, text: flag.help + defaultText(flag) };
  });
  const width = Math.max(0, ...rows.map((row) => row.left.length)) + 3;
  return rows.flatMap(({ left, text }) => wrap(text, 80 - width).map((line, i) => (i ? ' '.repeat(width) : left.padEnd(width)) + line));
}

function defaultText(flag: Flag): string {
  if (flag.default === undefined || flag.default === false) return '';
  return ` (default ${flag.default === true ? 'true' : JSON.stringify(flag.default)})`;
}

/** Breaks text at spaces; a line break in it stays. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of printablePainted(text).split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line ? `${line} ${word}` : word;
    }
    lines.push(line);
  }
  return lines;
}
