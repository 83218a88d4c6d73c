/**
 * What a JSON document may look like, as data: a schema reads a value and gives it as the type that it stands for, or says by its
 * path what is wrong with it. Small and our own, because `create` waits for it: no library loads in a millisecond.
 *
 * As programs written in Go have it, who write these documents: `null` is the same as an absent property. A property that no
 * schema knows is no error (config.md "Extensibility"), but told of.
 */

/** A schema of values that become a `T`. */
export interface Schema<T> {
  /** Of an object: its properties, and those that are refused, with the reason. */
  readonly fields?: Readonly<Record<string, Field<unknown>>> | undefined;
  readonly refused?: Readonly<Record<string, string>> | undefined;
  /** Of an array, and of an object whose keys are free: what it holds. */
  readonly items?: Schema<unknown> | undefined;
  readonly values?: Schema<unknown> | undefined;
  /** True for a value that is right as it is. A short way, for long lists: `create` waits for the first walk, which runs uncompiled. */
  plain?(value: unknown): boolean;
  /** The value read; undefined when there was a problem, which `reading` then knows. */
  read(value: unknown, reading: Reading): T | undefined;
}

/** A property of an object. */
export interface Field<T> {
  readonly schema: Schema<T>;
  readonly required?: boolean;
  /** Where it is absent. */
  readonly otherwise?: T;
  /** An empty text is the same as none. */
  readonly emptyIsAbsent?: boolean;
}

/** A field of each property of `T`, so that the compiler misses the one that was forgotten. */
export type Fields<T> = {
  readonly [K in keyof T]-?: Field<Exclude<T[K], undefined>> &
    (object extends Pick<T, K> ? unknown : { readonly required: true } | { readonly otherwise: T[K] });
};

const mostTold = 5;

/** One walk through a document: where it is, and what was found. */
export class Reading {
  readonly #path: (string | number)[] = [];
  readonly #told: string[] = [];
  #problems = 0;
  readonly #unknown: string[] = [];
  readonly warnings: string[] = [];

  enter(key: string | number): void {
    this.#path.push(key);
  }

  leave(): void {
    this.#path.pop();
  }

  /** A problem with the value that is being read, as the rest of a sentence that begins with its path. */
  problem(text: string): undefined {
    return this.problemAt('', text);
  }

  /** A problem with what lies at a path below the value that is being read. */
  problemAt(below: string, text: string): undefined {
    if (this.#problems++ < mostTold) this.#told.push(`${this.at(below) || 'the document'} ${text}`);
  }

  warn(below: string, text: string): void {
    if (this.warnings.length < mostTold * 4) this.warnings.push(`${this.at(below)} ${text}`);
  }

  unknown(key: string): void {
    if (this.#unknown.length < mostTold * 4) this.#unknown.push(this.at(keyText(key)));
  }

  at(below = ''): string {
    const path = this.#path.map((key) => (typeof key === 'number' ? `[${key}]` : keyText(key))).join('');
    return `${path}${below}`.replace(/^\./, '');
  }

  get problems(): number {
    return this.#problems;
  }

  /** All that is wrong in one sentence; undefined when nothing is. */
  sentence(): string | undefined {
    if (this.#problems === 0) return undefined;
    const more = this.#problems - this.#told.length;
    return this.#told.join('; ') + (more > 0 ? `; and ${more} more` : '');
  }

  /** The paths of what was not looked at. */
  get unknownPaths(): readonly string[] {
    return this.#unknown;
  }
}

/** A key as it stands in a path: `.limit`, `["org.example"]`. */
const keyText = (key: string): string => (/^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `[${quoted(key)}]`);

/** A text as it may stand in a message, whatever is in it. */
export const quoted = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);

/** A value as it may stand in a message. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** What of a text is wrong, as the rest of the sentence; undefined when nothing is. */
export type TextCheck = (value: string) => string | undefined;

const anyText: TextCheck = () => undefined;

/** A text, without NUL characters, which no file and no call of the kernel takes. */
export function textOrEmpty(check: TextCheck = anyText): Schema<string> {
  return {
    plain: (value) => typeof value === 'string' && !value.includes('\0') && value.isWellFormed() && check(value) === undefined,
    read(value, reading) {
      if (typeof value !== 'string') return reading.problem(`must be a string, not ${shown(value)}`);
      if (value.includes('\0')) return reading.problem('must not contain a NUL character');
      if (!value.isWellFormed()) return reading.problem('must be Unicode: it has half of a surrogate pair');
      const wrong = check(value);
      return wrong === undefined ? value : reading.problem(wrong);
    },
  };
}

/** The same, not empty. */
export const text = (check: TextCheck = anyText): Schema<string> => textOrEmpty((value) => (value === '' ? 'must not be empty' : check(value)));

/** A text of a form: `what` is the rest of "must be …". */
export const matching = (form: RegExp, what: string): Schema<string> =>
  textOrEmpty((value) => (form.test(value) ? undefined : `must be ${what}, not ${quoted(value)}`));

/** One of some words. */
export const oneOf = <T extends string>(...words: readonly T[]): Schema<T> =>
  textOrEmpty((value) => (words.includes(value as T) ? undefined : `must be one of ${words.join(', ')}, not ${quoted(value)}`)) as Schema<T>;

export const boolean: Schema<boolean> = {
  read: (value, reading) => (typeof value === 'boolean' ? value : reading.problem(`must be true or false, not ${shown(value)}`)),
};

export const maxInt64 = 2n ** 63n - 1n;
export const maxUint64 = 2n ** 64n - 1n;
export const maxUint32 = 2 ** 32 - 1;

type Bound = number | bigint;

/** A whole number; `of` says of what: `bytes`. Beyond 2^53 a bigint. */
export function integer64(min: Bound, max: Bound, of?: string): Schema<number | bigint> {
  const what = of === undefined ? 'an integer' : `an integer number of ${of}`;
  return {
    read(value, reading) {
      if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isInteger(value)))
        return reading.problem(`must be ${what}, not ${typeof value === 'number' ? String(value) : shown(value)}`);
      if (value < min || value > max) return reading.problem(`must be ${what} from ${min} to ${max}, not ${value}`);
      return Number.isSafeInteger(value) ? Number(value) : BigInt(value);
    },
  };
}

/** A whole number as a plain number, which beyond 2^53 is the nearest that there is within the bounds. */
export function integer(min: Bound, max: Bound, of?: string): Schema<number> {
  const exact = integer64(min, max, of);
  return {
    read(value, reading) {
      const read = exact.read(value, reading);
      if (typeof read !== 'bigint') return read;
      const near = Number(read);
      return near > max ? near * (1 - Number.EPSILON / 2) : near; // 2^63 is no int64: the number before it
    },
  };
}

/** An array of what `items` reads. */
export function array<T>(items: Schema<T>, { min = 0, max = Infinity }: { readonly min?: number; readonly max?: number } = {}): Schema<T[]> {
  return {
    items,
    read(value, reading) {
      if (!Array.isArray(value)) return reading.problem(`must be an array, not ${shown(value)}`);
      if (value.length < min) return reading.problem('must not be empty');
      if (value.length > max) return reading.problem(`must have at most ${max} entries, not ${value.length}`);
      const all: T[] = [];
      for (let i = 0; i < value.length; i++) {
        if (items.plain?.(value[i])) {
          all.push(value[i]);
          continue;
        }
        reading.enter(i);
        const item = items.read(value[i], reading);
        if (item !== undefined) all.push(item);
        reading.leave();
      }
      return all;
    },
  };
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object with free keys. */
export function map<T>(values: Schema<T>, keyCheck: TextCheck = anyText): Schema<Record<string, T>> {
  const key = text(keyCheck); // no map of the specification has an empty key
  return {
    values,
    read(value, reading) {
      if (!isObject(value)) return reading.problem(`must be an object, not ${shown(value)}`);
      const entries: [string, T][] = [];
      for (const [name, item] of Object.entries(value)) {
        reading.enter(name);
        const before = reading.problems;
        key.read(name, reading);
        const read = reading.problems === before ? values.read(item, reading) : undefined;
        if (read !== undefined) entries.push([name, read]);
        reading.leave();
      }
      return Object.fromEntries(entries); // which makes an own property of __proto__ too
    },
  };
}

/**
 * An object with the properties of `T`.
 * @param refused properties of the specification that are not done, and why
 * @param check looks at the properties together, when each alone is right
 */
export function object<T extends object>(
  fields: Fields<T>,
  refused: Readonly<Record<string, string>> = {},
  check?: (value: T, reading: Reading) => void,
): Schema<T> {
  const known = Object.assign(Object.create(null), fields) as Record<string, Field<unknown>>;
  const missed = Object.keys(fields).filter((name) => known[name]!.required || known[name]!.otherwise !== undefined);
  return {
    fields: known,
    refused,
    read(value, reading) {
      if (!isObject(value)) return reading.problem(`must be an object, not ${shown(value)}`);
      const before = reading.problems;
      const read: Record<string, unknown> = {};
      for (const name in value) {
        const field = known[name];
        const item = value[name];
        if (field === undefined) {
          if (item !== null) unknownOrRefused(name, item, refused, reading);
        } else if (item !== null && !(item === '' && field.emptyIsAbsent)) {
          reading.enter(name);
          const part = field.schema.read(item, reading);
          if (part !== undefined) read[name] = part;
          reading.leave();
        }
      }
      for (const name of missed) {
        const field = known[name]!;
        if (Object.hasOwn(read, name)) continue;
        if (field.otherwise !== undefined) read[name] = field.otherwise;
        else if (value[name] === undefined || value[name] === null) reading.problemAt(`.${name}`, 'is missing');
      }
      if (reading.problems > before) return undefined;
      check?.(read as T, reading);
      return read as T;
    },
  };
}

function unknownOrRefused(name: string, value: unknown, refused: Readonly<Record<string, string>>, reading: Reading): void {
  if (!Object.hasOwn(refused, name)) reading.unknown(name);
  else if (value !== '' && !(Array.isArray(value) && value.length === 0)) reading.problemAt(`.${name}`, `is not supported: ${refused[name]}`);
}

/** A schema that is made when it is first asked: most documents have no use for most of them, and a start reads one document. */
class Rare<T> implements Schema<T> {
  readonly #make: () => Schema<T>;
  #made: Schema<T> | undefined;

  constructor(make: () => Schema<T>) {
    this.#make = make;
  }

  get #schema(): Schema<T> {
    return (this.#made ??= this.#make());
  }

  get fields(): Readonly<Record<string, Field<unknown>>> | undefined {
    return this.#schema.fields;
  }

  get refused(): Readonly<Record<string, string>> | undefined {
    return this.#schema.refused;
  }

  get items(): Schema<unknown> | undefined {
    return this.#schema.items;
  }

  get values(): Schema<unknown> | undefined {
    return this.#schema.values;
  }

  read(value: unknown, reading: Reading): T | undefined {
    return this.#schema.read(value, reading);
  }
}

/** A schema of what few documents have: `rare(() => object(…))`. */
export const rare = <T>(make: () => Schema<T>): Schema<T> => new Rare(make);

/** A property that must be there. */
export const required = <T>(schema: Schema<T>): { readonly schema: Schema<T>; readonly required: true } => ({ schema, required: true });

/** A property that may be absent. */
export const optional = <T>(schema: Schema<T>): Field<T> => ({ schema });

/** A text that may be absent, and is so when it is empty. */
export const optionalText = <T extends string>(schema: Schema<T>): Field<T> => ({ schema, emptyIsAbsent: true });

/** A property that is this when it is absent; a text also when it is empty. */
export const otherwise = <T>(schema: Schema<T>, value: NoInfer<T>): { readonly schema: Schema<T>; readonly otherwise: T; readonly emptyIsAbsent: boolean } => ({
  schema,
  otherwise: value,
  emptyIsAbsent: typeof value === 'string',
});
