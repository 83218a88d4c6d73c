/**
 * The command-line parser: a table of flags and a list of words become values and arguments.
 * Follows the rules of pflag, which Docker uses: `-it`, `-p8080:80`, `--flag=value`, `--flag value`, `--` ends the flags.
 */
import { UsageError, type Command, type Flag, type Flags, type Invocation } from './command.ts';
import { parseBoolean, parseBytes, parseDecimal, parseDuration, parseInteger } from './flag-value.ts';
import { count } from './units.ts';

/** What a parse can end in: a use of the command, or a request for its help. */
export type Parsed<F extends Flags> = { readonly help: true } | ({ readonly help: false } & Invocation<F>);

/**
 * Parses the words after a command's name.
 * @param path the command's name, for `Invocation.path` and in messages
 * @throws UsageError for an unknown flag, a missing or malformed value, or a wrong number of arguments
 */
export function parse<F extends Flags>(command: Command<F>, words: readonly string[], path: string): Parsed<F> {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(command.flags)) {
    if (!flag.aliasOf) values[name] = flag.kind === 'bool' ? flag.default === true : flag.kind === 'list' ? [] : undefined;
  }
  const shorts = new Map<string, string>();
  for (const [name, flag] of Object.entries(command.flags)) if (flag.short) shorts.set(flag.short, name);
  const given = new Set<string>();
  const args: string[] = [];

  const set = (spelled: string, value: string): void => {
    const name = command.flags[spelled]?.aliasOf ?? spelled;
    const flag = command.flags[name]!;
    given.add(name);
    if (flag.kind === 'list') (values[name] as string[]).push(value);
    else values[name] = convert(name, flag, value);
  };

  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--') {
      args.push(...words.slice(i + 1));
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      if (command.ownsRest) {
        args.push(...words.slice(i));
        break;
      }
      args.push(word);
      continue;
    }
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = word.slice(2, equals < 0 ? undefined : equals);
      const flag = Object.hasOwn(command.flags, name) ? command.flags[name] : undefined;
      if (!flag) {
        if (name === 'help') return { help: true };
        throw new UsageError(`unknown flag: --${name}`);
      }
      if (equals >= 0) set(name, word.slice(equals + 1));
      else if (flag.kind === 'bool') set(name, 'true');
      else if (flag.kind === 'optional') set(name, flag.alone ?? '');
      else {
        const next = words[++i];
        if (next === undefined) throw new UsageError(`flag needs an argument: --${name}`);
        set(name, next);
      }
      continue;
    }
    // A cluster of one-letter flags; the first that takes a value takes the rest of the word, or the next word.
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      const name = shorts.get(letter);
      if (name === undefined) {
        if (letter === 'h') return { help: true };
        throw new UsageError(`unknown shorthand flag: '${letter}' in ${word}`);
      }
      const rest = word.slice(at + 1);
      if (command.flags[name]!.kind === 'bool') {
        if (!rest.startsWith('=')) {
          set(name, 'true');
          continue;
        }
        set(name, rest.slice(1));
      } else if (rest) set(name, rest.startsWith('=') ? rest.slice(1) : rest);
      else {
        const next = words[++i];
        if (next === undefined) throw new UsageError(`flag needs an argument: '${letter}' in ${word}`);
        set(name, next);
      }
      break;
    }
  }
  checkCount(command.count, args.length, path);
  return { help: false, flags: values as Invocation<F>['flags'], args, given, path };
}

function convert(name: string, flag: Flag, value: string): unknown {
  try {
    switch (flag.kind) {
      case 'bool':
        return parseBoolean(value);
      case 'int':
        return parseInteger(value);
      case 'decimal':
        return parseDecimal(value);
      case 'bytes':
        return flag.unlimited && value === '-1' ? -1 : parseBytes(value);
      case 'duration':
        return parseDuration(value);
      default:
        return value;
    }
  } catch (error) {
    const spelled = flag.short ? `-${flag.short}, --${name}` : `--${name}`;
    throw new UsageError(`invalid argument ${JSON.stringify(value)} for "${spelled}" flag: ${(error as Error).message}`);
  }
}

/** Docker answers a wrong number of arguments with exit code 1, unlike other mistakes of usage. */
function checkCount([least, most]: readonly [number, number], given: number, path: string): void {
  const wrong = (what: string): never => {
    throw new UsageError(`'hako ${path}' ${what}`, 1);
  };
  const words = (n: number): string => count(n, 'argument');
  if (given >= least && given <= most) return;
  if (most === 0) wrong('accepts no arguments');
  if (least === most) wrong(`requires ${words(least)}`);
  if (given < least) wrong(`requires at least ${words(least)}`);
  wrong(`accepts at most ${words(most)}`);
}
