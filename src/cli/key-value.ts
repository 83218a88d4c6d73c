/** `key=value` as flags take it, and files of such lines. */
import { readFileSync } from 'node:fs';
import { CommandError } from './command.ts';

/** `['a=b', 'c']` → `{ a: 'b', c: '' }`; the last of the same key counts. */
export function keyValues(items: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    items.map((item) => {
      const equals = item.indexOf('=');
      return equals < 0 ? [item, ''] : [item.slice(0, equals), item.slice(equals + 1)];
    }),
  );
}

/**
 * Lines of a file, without blank ones and comments.
 * @throws CommandError when it cannot be read, or a key contains white space
 */
export function readLines(path: string): string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`, { exitCode: 125 });
  }
  const lines = text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line) => line.replace(/\r$/, '').trimStart())
    .filter((line) => line && !line.startsWith('#'));
  for (const [i, line] of lines.entries()) {
    const key = line.split('=', 1)[0]!;
    if (!key) throw new CommandError(`${path}: no variable name on line '${line}'`, { exitCode: 125 });
    if (/\s/.test(key)) throw new CommandError(`${path}: variable '${key}' contains whitespaces (entry ${i + 1})`, { exitCode: 125 });
  }
  return lines;
}

/**
 * What `--env-file` and `-e` give, in the API's form. A name without value takes the client's own; where there is none, a line
 * of a file is left out, and a flag stays a bare name, which takes the variable away from the image's.
 * Files come first, so that single variables win.
 */
export function environment(files: readonly string[], variables: readonly string[]): string[] {
  const fromFiles = files
    .flatMap(readLines)
    .map(withOwnValue)
    .filter((entry) => entry.includes('='));
  const wrong = variables.find((entry) => entry === '' || entry.startsWith('='));
  if (wrong !== undefined) throw new CommandError(`invalid environment variable: '${wrong}'`, { exitCode: 125 });
  return [...fromFiles, ...variables.map(withOwnValue)];
}

function withOwnValue(entry: string): string {
  const own = entry.includes('=') ? undefined : process.env[entry];
  return own === undefined ? entry : `${entry}=${own}`;
}
