/**
 * The kernel's figures as exact numbers: they have 64 bits, and "no limit" is the largest of them. src/kernel/cgroupfs.ts reads
 * the same files for people, to whom a number of JavaScript is exact enough.
 */
import { readText } from '../../kernel/cgroupfs.ts';

/** What Go's programs, which read these figures, take for "no limit". */
export const maxUint64 = 2n ** 64n - 1n;

/** A number; undefined where it is none. */
export function parseExact(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  const word = text.trim();
  if (word === 'max') return maxUint64;
  return /^\d+$/.test(word) ? BigInt(word) : undefined;
}

/** A file with one number; undefined where there is none. */
export const readExact = (path: string): bigint | undefined => parseExact(readText(path));

/** A file with a name and a number a line. */
export function readExactKeyed(path: string): Record<string, bigint> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const values: Record<string, bigint> = {};
  for (const line of text.split('\n')) {
    const [key, word] = line.split(' ');
    const value = parseExact(word);
    if (key && value !== undefined) values[key] = value;
  }
  return values;
}

/** The words of each line. */
export const readRows = (path: string): string[][] | undefined =>
  readText(path)
    ?.split('\n')
    .filter(Boolean)
    .map((line) => line.split(/\s+/));

/** An object without what is zero, empty or not there: what Go leaves out that is marked `omitempty`. */
export function sparse<T extends object>(values: T): Partial<T> {
  const empty = (value: unknown): boolean => value === undefined || value === 0n || (Array.isArray(value) && value.length === 0);
  return Object.fromEntries(Object.entries(values).filter(([, value]) => !empty(value))) as Partial<T>;
}
