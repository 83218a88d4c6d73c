/**
 * JSON with whole numbers of 64 bits, in both directions: config.json has them (arguments of system calls, limits), and a
 * number of JavaScript keeps 53 of the bits.
 */
import { OciError } from '../error.ts';

/** Where a number may stand that 53 bits cannot hold: one of 16 or more digits. Nothing is asked of what is around: with that the search takes half as long again. */
const longNumber = /\d{16}/;

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;
const exact: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;

/**
 * Reads a document; integers beyond 2^53 are bigints.
 * @param name what the document is called in an error: `config.json`
 * @throws OciError when it is not JSON
 */
export function parseJson(text: string, name: string): unknown {
  try {
    // The reviver sees each value, which costs more than the rest; few documents need it.
    return longNumber.test(text) ? JSON.parse(text, exact as (key: string, value: unknown) => unknown) : JSON.parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw new OciError(`${name} is nested too deeply`);
    throw new OciError(`${name} is not valid JSON: ${(error as Error).message}`);
  }
}

const { rawJSON } = JSON as typeof JSON & { readonly rawJSON: (text: string) => unknown };

/** Writes a document that may have bigints. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? rawJSON(String(part)) : part));
}
