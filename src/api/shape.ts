/**
 * Checks of JSON that clients send, by hand-made shapes: a shape takes a value and gives it back as its type, or throws a sentence that names the place.
 * As in Docker, names of properties match whatever their case, `null` means absent, and what is unknown is left out.
 */
import { RequestError } from './http/error.ts';

/** @param path where the value is, for the error: `HostConfig.Memory` */
export type Shape<T> = (value: unknown, path: string) => T;

function wrong(value: unknown, path: string, wanted: string): RequestError {
  const text = JSON.stringify(value) ?? String(value);
  return new RequestError(400, `${path || 'The body'} is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}: it must be ${wanted}.`);
}

export const text: Shape<string> = (value, path) => {
  if (typeof value === 'string') {
    if (value.includes('\0')) throw wrong(value, path, 'text without a NUL character');
    return value;
  }
  throw wrong(value, path, 'text');
};

export const flag: Shape<boolean> = (value, path) => {
  if (typeof value === 'boolean') return value;
  throw wrong(value, path, 'true or false');
};

export const integer: Shape<number> = (value, path) => {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw wrong(value, path, 'a whole number');
};

/** One of a few words. */
export function oneOf<const T extends string>(...words: readonly T[]): Shape<T> {
  return (value, path) => {
    if (words.includes(value as T)) return value as T;
    throw wrong(value, path, `one of ${words.map((word) => `"${word}"`).join(', ')}`);
  };
}

export function listOf<T>(item: Shape<T>): Shape<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw wrong(value, path, 'a list');
    return value.map((one: unknown, index) => item(one, `${path}[${index}]`));
  };
}

export const texts = listOf(text);

/** A list of words, or one word. */
export const words: Shape<string[]> = (value, path) => (typeof value === 'string' ? [text(value, path)] : texts(value, path));

/** An object with names of the client's choice. @param absent stands for a value of null */
export function mapOf<T>(item: Shape<T>, absent: () => T): Shape<Record<string, T>> {
  return (value, path) => Object.fromEntries(properties(value, path).map(([name, one]) => [name, one === null ? absent() : item(one, `${path}.${name}`)]));
}

export const textMap = mapOf(text, () => '');
/** A set, written as an object whose values say nothing. */
export const nameSet: Shape<Record<string, Record<string, never>>> = mapOf(
  () => ({}),
  () => ({}),
);

/** Rows and columns; `[0, 0]`, which clients without a terminal send, stays as it is. */
export const consoleSize: Shape<[height: number, width: number]> = (value, path) => {
  const [height, width, ...more] = listOf(integer)(value, path);
  if (height === undefined || width === undefined || more.length > 0 || Math.min(height, width) < 0 || Math.max(height, width) > 65_535) {
    throw wrong(value, path, 'rows and columns, such as [24, 80]');
  }
  return [height, width];
};

/** An object with known properties, all of which may be left out. */
export function objectOf<T extends object>(fields: { readonly [Name in keyof T]-?: Shape<NonNullable<T[Name]>> }): Shape<T> {
  const shapes = new Map(Object.entries<Shape<unknown>>(fields));
  const names = new Map([...shapes.keys()].map((name) => [name.toLowerCase(), name]));
  return (value, path) => {
    const result: Record<string, unknown> = {};
    for (const [given, one] of properties(value, path)) {
      const name = shapes.has(given) ? given : names.get(given.toLowerCase());
      if (name === undefined || one === null) continue;
      result[name] = shapes.get(name)?.(one, path ? `${path}.${name}` : name);
    }
    return result as T;
  };
}

/** Like `objectOf`, with properties that must be there. */
export function recordOf<T extends object>(
  fields: { readonly [Name in keyof T]-?: Shape<NonNullable<T[Name]>> },
  ...required: readonly (keyof T & string)[]
): Shape<T> {
  const shape = objectOf<T>(fields);
  return (value, path) => {
    const result = shape(value, path);
    const missing = required.find((name) => !Object.hasOwn(result, name));
    if (missing !== undefined) throw new RequestError(400, `${path ? `${path}.` : ''}${missing} is missing.`);
    return result;
  };
}

function properties(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(value, path, 'an object');
  return Object.entries(value);
}
