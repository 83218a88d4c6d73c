/** Commands that do the same to several objects: each is tried, errors are told one by one, and any of them makes the exit code 1. */
import { CommandError } from './command.ts';
import { complain, print } from './terminal-text.ts';

/**
 * All at once, told in their order.
 * @param act returns what to print for the object; by default its name
 * @returns the exit code
 */
export function each(names: readonly string[], act: (name: string) => Promise<string | void>): Promise<number> {
  const results = names.map((name) => act(name));
  for (const result of results) result.catch(() => {}); // told below, in order
  return tell(names, (i) => results[i]!);
}

/** One after the other, where the second may need the first. Otherwise as {@link each}. */
export function eachInOrder(names: readonly string[], act: (name: string) => Promise<string | void>): Promise<number> {
  return tell(names, (i) => act(names[i]!));
}

async function tell(names: readonly string[], result: (index: number) => Promise<string | void>): Promise<number> {
  let code = 0;
  for (const [i, name] of names.entries()) {
    try {
      print(`${(await result(i)) ?? name}\n`);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      complain(error.message);
      if (error.hint && names.length === 1) print(`${error.hint}\n`, process.stderr);
      code = 1;
    }
  }
  return code;
}
