/** How the values of flags are written: sizes, durations, numbers. The functions throw an Error whose message says what is wrong. */

const unitExponent: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/** `512m`, `1.5g`, `64KiB`, `100` → bytes; units are powers of 1024, as Docker's. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text);
  if (!match) throw new Error(`invalid size: '${text}', expected a number with an optional unit such as 512m or 1.5g`);
  return Math.floor(Number(match[1]) * 1024 ** unitExponent[match[2]!.toLowerCase()]!);
}

const nanoseconds: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** `1h30m`, `2.5s`, `100ms` → nanoseconds; Go's time.ParseDuration. */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const whole = /^[+-]?(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/;
  if (!whole.test(text)) throw new Error(`invalid duration '${text}', expected numbers with units such as 1h30m, 2.5s or 100ms`);
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h)/g)) total += Number(number) * nanoseconds[unit!]!;
  return Math.round(text.startsWith('-') ? -total : total);
}

/** A whole number, within what a double holds exactly. */
export function parseInteger(text: string): number {
  if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(Number(text))) throw new Error('not a whole number');
  return Number(text);
}

/** `1.5`, `0.25`. */
export function parseDecimal(text: string): number {
  if (!/^\d*\.?\d+$|^\d+\.$/.test(text)) throw new Error('not a number such as 1.5');
  return Number(text);
}

/** The words that Go's strconv.ParseBool knows. */
export function parseBoolean(text: string): boolean {
  if (/^(1|t|true)$/i.test(text)) return true;
  if (/^(0|f|false)$/i.test(text)) return false;
  throw new Error('not true or false');
}
