/** The parameters of a request's query string, read as the Docker API means them. */
import { parseFilters } from '../../engine/filters.ts';
import { parseMoment } from '../../engine/time.ts';
import type { Filters } from '../schema.ts';
import { RequestError } from './error.ts';

/** Every reader throws RequestError or EngineError 400 for a value that cannot be. */
export class Query {
  readonly #values: URLSearchParams;

  /** @param text what follows the `?` */
  constructor(text: string) {
    this.#values = new URLSearchParams(text);
  }

  /** Absent and empty are the same. */
  text(name: string): string | undefined {
    return this.#values.get(name) || undefined;
  }

  /** @throws RequestError 400 when it is absent */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new RequestError(400, `The parameter '${name}' is missing.`);
    return value;
  }

  list(name: string): string[] {
    return this.#values.getAll(name).filter((value) => value !== '');
  }

  /** Absent, empty, `0`, `no`, `false` and `none` are false, as in Docker; all else is true. */
  flag(name: string, absent = false): boolean {
    const value = this.text(name)?.trim().toLowerCase();
    return value === undefined ? absent : !['0', 'no', 'false', 'none'].includes(value);
  }

  /** A whole number between the bounds. */
  integer(name: string, minimum: number, maximum: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (/^-?\d+$/.test(value) && number >= minimum && number <= maximum) return number;
    throw new RequestError(400, `The parameter '${name}' is '${value.slice(0, 64)}': give a whole number from ${minimum} to ${maximum}.`);
  }

  /** A moment in nanoseconds since the epoch; Docker's clients send 0 for none. */
  moment(name: string): bigint | undefined {
    const value = this.text(name);
    return value === undefined || value === '0' ? undefined : parseMoment(value, name);
  }

  filters(): Filters {
    return parseFilters(this.text('filters'));
  }
}
