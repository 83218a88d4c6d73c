/**
 * Reads hako-oci's command line as Go's flag package does, by which runc reads its own: one dash or two, `--flag value` and
 * `--flag=value`, no clusters of letters. What stands after `--` is no flag.
 */
import type { Flag, Flags, Invocation, Values } from './command.ts';
import { OciError } from './error.ts';

/** What reading ends in: values and arguments, or a wish for help. */
export type Read<F extends Flags> = { readonly help: true } | ({ readonly help: false } & Invocation<F>);

/**
 * Reads flags and arguments.
 * @param ownsRest the first argument ends the flags: it and what follows are left as they are
 * @throws OciError for a flag that there is not, or a value that is missing or malformed
 */
export function readWords<F extends Flags>(flags: F, words: readonly string[], ownsRest = false): Read<F> {
  const values: Record<string, unknown> = {};
  for (const [name, { kind }] of Object.entries(flags)) values[name] = kind === 'bool' ? false : kind === 'list' ? [] : undefined;
  const args: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === '--') {
      args.push(...words.slice(i + 1));
      break;
    }
    const written = flagIn(word);
    if (!written) {
      if (word.startsWith('-') && word !== '-') throw new OciError(`bad flag syntax: ${word}`);
      args.push(...(ownsRest ? words.slice(i) : [word]));
      if (ownsRest) break;
      continue;
    }
    const { spelled, given } = written;
    const name = Object.hasOwn(flags, spelled) ? spelled : Object.keys(flags).find((long) => flags[long]!.short === spelled);
    if (name === undefined) {
      if (spelled === 'help' || spelled === 'h') return { help: true };
      throw new OciError(`flag provided but not defined: ${word.replace(/=[^]*/, '')}`);
    }
    const flag = flags[name]!;
    let value = given;
    if (value === undefined && flag.kind !== 'bool') {
      value = words[++i];
      if (value === undefined) throw new OciError(`flag needs an argument: ${word}`);
    }
    if (flag.kind === 'list') (values[name] as string[]).push(value!);
    else values[name] = convert(flag, value, word);
  }
  return { help: false, flags: values as Values<F>, args };
}

/** `-name`, `--name`, `--name=value`; undefined for what is no flag. Every start comes here: no regular expression, which takes longer to prepare. */
function flagIn(word: string): { readonly spelled: string; readonly given: string | undefined } | undefined {
  if (word[0] !== '-') return undefined;
  const from = word[1] === '-' ? 2 : 1;
  const first = word[from];
  if (first === undefined || first === '-' || first === '=') return undefined;
  const equals = word.indexOf('=', from);
  return equals < 0 ? { spelled: word.slice(from), given: undefined } : { spelled: word.slice(from, equals), given: word.slice(equals + 1) };
}

function convert(flag: Flag, value: string | undefined, word: string): unknown {
  if (flag.kind === 'string') return value;
  if (flag.kind === 'bool') {
    if (value === undefined || /^(1|t|true)$/i.test(value)) return true;
    if (/^(0|f|false)$/i.test(value)) return false;
    throw new OciError(`invalid value "${value}" of ${word.replace(/=[^]*/, '')}: use true or false`);
  }
  if (!/^[+-]?\d+$/.test(value!) || !Number.isSafeInteger(Number(value)))
    throw new OciError(`invalid value "${value}" of ${word.replace(/=[^]*/, '')}: use a whole number`);
  return Number(value);
}

/** @throws OciError for a wrong number of arguments */
export function checkCount(command: string, [least, most]: readonly [number, number], given: number): void {
  if (given >= least && given <= most) return;
  const arguments_ = (n: number): string => `${n} argument${n === 1 ? '' : 's'}`;
  const wanted = least === most ? `exactly ${arguments_(least)}` : given < least ? `a minimum of ${arguments_(least)}` : `at most ${arguments_(most)}`;
  throw new OciError(`"${command}" requires ${wanted}, and there ${given === 1 ? 'is' : 'are'} ${given}: see hako-oci ${command} --help`);
}
