/**
 * Filters of lists, prunes and events: `{"label":["a=b"],"status":["running"]}`. Values of one name are alternatives, except those of `label`,
 * which must all hold; all names must hold. The matching of whole containers is in container-filter.ts.
 */
import type { Filters } from '../api/schema.ts';
import { EngineError } from './engine.ts';

/** Patterns are matched by backtracking: what is longer, or repeats more often than this, could take for ever. */
const maximalPattern = 128;
const maximalRepetitions = 3;

/**
 * Reads what clients send, also the old form `{"label":{"a=b":true}}`.
 * @throws EngineError 400 when it is neither
 */
export function parseFilters(text: string | undefined): Filters {
  if (text === undefined || text === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalid();
  }
  if (parsed === null) return {};
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw invalid();
  return Object.fromEntries(
    Object.entries(parsed).map(([name, values]: [string, unknown]) => {
      if (Array.isArray(values) && values.every((value) => typeof value === 'string')) return [name, values];
      if (values === null || typeof values !== 'object' || Array.isArray(values)) throw invalid();
      return [
        name,
        Object.entries(values)
          .filter(([, on]) => on === true)
          .map(([value]) => value),
      ];
    }),
  );
}

function invalid(): EngineError {
  return new EngineError(400, 'The parameter \'filters\' is not JSON of the form {"NAME":["VALUE",…]}.');
}

/** @throws EngineError 400 for a filter that this list does not know */
export function checkFilters(filters: Filters, known: readonly string[]): void {
  const unknown = Object.keys(filters).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new EngineError(400, `Invalid filter '${unknown}': known here are ${known.join(', ')}.`);
}

/** The values of a filter; undefined where it was not given or is empty, which filters nothing. */
export function filterValues(filters: Filters, name: string): readonly string[] | undefined {
  const values = Object.hasOwn(filters, name) ? filters[name] : undefined;
  return values && values.length > 0 ? values : undefined;
}

/** A filter that is true or false; undefined where it was not given. @throws EngineError 400 for another value */
export function filterFlag(filters: Filters, name: string): boolean | undefined {
  const [value, ...more] = filterValues(filters, name) ?? [];
  if (value === undefined) return undefined;
  if (more.length === 0 && /^(?:1|t|true)$/i.test(value)) return true;
  if (more.length === 0 && /^(?:0|f|false)$/i.test(value)) return false;
  throw new EngineError(400, `Invalid filter '${name}=${value.slice(0, 64)}': give true or false.`);
}

/** Whether the filter is absent, or one of its values is exactly one of these. */
export function matchesExactly(filters: Filters, name: string, ...candidates: readonly string[]): boolean {
  const values = filterValues(filters, name);
  return !values || values.some((value) => candidates.includes(value));
}

/** Whether the labels satisfy `label` (each `KEY` or `KEY=VALUE` holds) and `label!` (none holds). */
export function matchesLabels(filters: Filters, labels: Readonly<Record<string, string>> | null | undefined): boolean {
  const holds = (wanted: string): boolean => {
    const equals = wanted.indexOf('=');
    const key = equals < 0 ? wanted : wanted.slice(0, equals);
    return labels !== null && labels !== undefined && Object.hasOwn(labels, key) && (equals < 0 || labels[key] === wanted.slice(equals + 1));
  };
  return (filterValues(filters, 'label') ?? []).every(holds) && !(filterValues(filters, 'label!') ?? []).some(holds);
}

/**
 * Whether the filter is absent, or one of its values is one of these or, as a regular expression, is found in one of them.
 * @throws EngineError 400 for a pattern that is none, or could take exponential time
 */
export function matchesPattern(filters: Filters, name: string, ...candidates: readonly string[]): boolean {
  const values = filterValues(filters, name);
  return !values || values.some((value) => candidates.includes(value) || candidates.some((candidate) => pattern(name, value).test(candidate)));
}

/** A pattern without repeated groups and with few repetitions: its time is bounded by a small power of the candidate's length. */
function pattern(name: string, value: string): RegExp {
  const repetitions = value.match(/[*+]|\{\d+,/g)?.length ?? 0;
  if (value.length > maximalPattern || repetitions > maximalRepetitions || /\)[*+?{]|\(\?|\\\d/.test(value)) {
    throw new EngineError(
      400,
      `Invalid filter '${name}=${value.slice(0, 64)}': the pattern is too complicated (no repeated groups, at most ${maximalRepetitions} repetitions).`,
    );
  }
  try {
    return new RegExp(value);
  } catch {
    throw new EngineError(400, `Invalid filter '${name}=${value.slice(0, 64)}': this is not a regular expression.`);
  }
}
