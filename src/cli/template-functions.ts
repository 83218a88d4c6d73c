/** The functions that templates can call: those of Go's text/template, and those that Docker adds. */
import { TemplateError } from './template-lexer.ts';

/** Go's truth: false, zero, nothing, and what is empty, are not. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value !== null && typeof value === 'object') return Object.keys(value).length > 0;
  return Boolean(value);
}

/** A value as Go's `%v` prints it. */
export function format(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(format).join(' ')}]`;
  if (typeof value === 'object') {
    return `map[${Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, v]) => `${key}:${format(v)}`)
      .join(' ')}]`;
  }
  return (value as string | number | bigint | boolean).toString();
}

/** JSON.rawJSON, which TypeScript's library does not know yet: text that goes into JSON as it is. */
const { rawJSON } = JSON as unknown as { readonly rawJSON: (this: void, text: string) => object };

/** A value in JSON; a bigint becomes a number with all its digits. */
export function json(value: unknown): string {
  return JSON.stringify(value ?? null, (_, v: unknown) => (typeof v === 'bigint' ? rawJSON(String(v)) : v));
}

const text = (value: unknown): string => (typeof value === 'string' ? value : format(value));

function index(of: unknown, ...keys: unknown[]): unknown {
  let it = of;
  for (const key of keys) {
    if (it === null || it === undefined) throw new TemplateError('index of nothing (nil)');
    if (Array.isArray(it) || typeof it === 'string') {
      const at = Number(key);
      if (!Number.isInteger(at) || at < 0 || at >= it.length) throw new TemplateError(`index out of range: ${format(key)}`);
      it = typeof it === 'string' ? it.charCodeAt(at) : it[at];
    } else if (typeof it === 'object') it = entryOf(it as Record<string, unknown>, String(key));
    else throw new TemplateError(`can't index ${format(it)}`);
  }
  return it;
}

/** A key that is not there gives the zero value of the map's type: an empty text in a map of texts. */
function entryOf(map: Readonly<Record<string, unknown>>, key: string): unknown {
  if (Object.hasOwn(map, key)) return map[key];
  return Object.values(map).every((v) => typeof v === 'string') ? '' : null;
}

function length(of: unknown): number {
  if (typeof of === 'string') return Buffer.byteLength(of);
  if (Array.isArray(of)) return of.length;
  if (of !== null && typeof of === 'object') return Object.keys(of).length;
  throw new TemplateError(`len of ${format(of)}`);
}

function slice(of: unknown, from: unknown = 0, to?: unknown): unknown {
  if (typeof of !== 'string' && !Array.isArray(of)) throw new TemplateError(`slice of ${format(of)}`);
  const [start, end] = [Number(from), to === undefined ? of.length : Number(to)];
  if (!(start >= 0 && start <= end && end <= of.length)) throw new TemplateError(`slice index out of range: ${start}:${end}`);
  return of.slice(start, end);
}

function compare(a: unknown, b: unknown): number {
  const kinds = [typeof a, typeof b].map((kind) => (kind === 'bigint' ? 'number' : kind));
  if (kinds[0] !== kinds[1] || (kinds[0] !== 'number' && kinds[0] !== 'string')) throw new TemplateError(`can't compare ${format(a)} with ${format(b)}`);
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}

function equal(a: unknown, ...others: unknown[]): boolean {
  if (others.length === 0) throw new TemplateError('eq needs two values to compare');
  return others.some((b) => a === b || ((a ?? null) === null && (b ?? null) === null));
}

const capitalized = (s: string): string => s.replace(/(^|[^\p{L}\p{N}_'])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase());

/** Go's Print puts a space between two operands of which neither is a string. */
function print(...values: unknown[]): string {
  return values.map((value, i) => (i > 0 && typeof value !== 'string' && typeof values[i - 1] !== 'string' ? ' ' : '') + text(value)).join('');
}

function printf(pattern: unknown, ...values: unknown[]): string {
  let at = 0;
  return text(pattern).replace(
    /%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      if (at >= values.length) return `%!${verb}(MISSING)`;
      const out = formatVerb(verb, values[at++], precision === undefined ? undefined : Number(precision), flags);
      const wanted = Number(width ?? 0);
      if (flags.includes('-')) return out.padEnd(wanted);
      return flags.includes('0') && !/[svq]/.test(verb) ? out.padStart(wanted, '0') : out.padStart(wanted);
    },
  );
}

function formatVerb(verb: string, value: unknown, precision: number | undefined, flags: string): string {
  const number = Number(value);
  switch (verb) {
    case 'v':
      return text(value);
    case 's':
      return precision === undefined ? text(value) : [...text(value)].slice(0, precision).join('');
    case 'q':
      return JSON.stringify(text(value));
    case 't':
      return (value as string | number | bigint | boolean).toString();
    case 'd':
      return Number.isNaN(number) ? `%!d(string=${text(value)})` : (flags.includes('+') && number >= 0 ? '+' : '') + text(value);
    case 'f':
      return number.toFixed(precision ?? 6);
    case 'e':
      return number.toExponential(precision ?? 6).replace(/e([+-])(\d)$/, 'e$10$2');
    case 'g':
      return precision === undefined ? String(number) : String(Number(number.toPrecision(precision)));
    case 'x':
      return typeof value === 'string' ? Buffer.from(value).toString('hex') : number.toString(16);
    case 'X':
      return typeof value === 'string' ? Buffer.from(value).toString('hex').toUpperCase() : number.toString(16).toUpperCase();
    case 'o':
      return number.toString(8);
    case 'b':
      return number.toString(2);
    case 'c':
      return String.fromCodePoint(number);
    default:
      return `%!${verb}(${text(value)})`;
  }
}

/** By name. `and` and `or` are here only to be known: they evaluate their arguments one by one, which the caller does. */
export const functions: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  and: () => undefined,
  or: () => undefined,
  not: (value) => !isTrue(value),
  len: length,
  index,
  slice,
  print,
  printf,
  println: (...values) => `${values.map(text).join(' ')}\n`,
  eq: equal,
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
  urlquery: (...values) => encodeURIComponent(print(...values)),
  html: (...values) => print(...values).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`),
  json,
  join: (list, separator) => (Array.isArray(list) ? list.map(text).join(text(separator)) : ''),
  split: (value, separator) => text(value).split(text(separator)),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  title: (value) => capitalized(text(value)),
  trim: (value) => text(value).trim(),
  pad: (value, before, after) => (text(value) ? ' '.repeat(Number(before)) + text(value) + ' '.repeat(Number(after)) : ''),
  truncate: (value, width) => [...text(value)].slice(0, Number(width)).join(''),
};
