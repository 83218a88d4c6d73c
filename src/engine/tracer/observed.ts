/** What a trace has seen, in order, and which refusal of it the command failed of. */
import { basename, dirname } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import type { MovedCounter, Refusal, WhyReport } from '../../api/schema.ts';

/** A refusal with its place in the order of events. */
export interface Event extends Omit<Refusal, 'count'> {
  readonly order: number;
  /** The path that it was about, as the program wrote it; empty for none. */
  readonly path: string;
  /** What it was about, to tell whether a later attempt succeeded: the last name of the path. */
  readonly object: string;
}

/** What a process wrote to its standard error. */
export interface Said {
  readonly order: number;
  readonly pid: number;
  readonly text: string;
}

/** How a process ended. */
export interface Ended {
  readonly order: number;
  readonly pid: number;
  readonly code: number;
  readonly signal: string | undefined;
}

/** A trace from beginning to end. */
export interface Observed {
  readonly events: readonly Event[];
  readonly said: readonly Said[];
  readonly ended: readonly Ended[];
  readonly main: Ended | undefined;
  /** Objects that were opened or run after all, with the order of it. */
  readonly found: ReadonlyMap<string, number>;
  readonly calls: number;
  readonly processes: number;
  readonly more: number;
  readonly counters: readonly MovedCounter[];
}

const linesKept = 10;
const refusalsKept = 200;
const mostNames = 8;

/** The report of a trace, without what only the engine knows. */
export function reportOf(observed: Observed): Omit<WhyReport, 'command' | 'exitCode'> {
  const { main, events, said, calls, processes, counters, more } = observed;
  const failed = main !== undefined && (main.code !== 0 || main.signal !== undefined);
  const found = main && !failed ? undefined : decisiveOf(observed);
  const decisive = found && withSearch(found, events);
  const outcome = main === undefined ? 'interrupted' : !failed ? 'succeeded' : decisive ? 'refused' : main.signal === 'SIGKILL' ? 'interrupted' : 'failed';
  return {
    ...(main?.signal ? { signal: main.signal } : {}),
    outcome,
    ...(decisive ? { decisive: plain(decisive, countOf(decisive, events)) } : {}),
    refusals: together(events).slice(-refusalsKept),
    said: said
      .map((s) => s.text)
      .join('')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .slice(-linesKept),
    traced: { calls, processes },
    counters,
    more,
  };
}

const listed = (names: readonly string[]): string =>
  names.length <= mostNames ? names.join(', ') : `${names.slice(0, mostNames).join(', ')}, … (${names.length})`;

/** Of a program that was looked for in several directories: which they were. One of them alone would say little. */
function withSearch(event: Event, events: readonly Event[]): Event {
  const [gate, ...others] = event.gates;
  if (gate?.kind !== 'missing' || event.error !== 'ENOENT' || !event.path.startsWith('/')) return event;
  const same = events.filter((other) => other.call === event.call && other.pid === event.pid && other.object === event.object && other.error === 'ENOENT');
  const directories = [...new Set(same.map(({ path }) => dirname(path)))];
  if (directories.length < 2) return event;
  return { ...event, gates: [{ ...gate, facts: { ...gate.facts, command: event.object, searched: listed(directories) } }, ...others] };
}

const plain = ({ order: _order, object: _object, path: _path, ...rest }: Event, count: number): Refusal => ({ ...rest, count });

const sameness = (event: Event): string => `${event.call} ${event.text} ${event.error} ${event.program}`;

const countOf = (event: Event, events: readonly Event[]): number => events.filter((other) => sameness(other) === sameness(event)).length;

/** Equal refusals once, in the order of the first. */
function together(events: readonly Event[]): Refusal[] {
  const counts = new Map<string, { readonly event: Event; count: number }>();
  for (const event of events) {
    const known = counts.get(sameness(event));
    if (known) known.count++;
    else counts.set(sameness(event), { event, count: 1 });
  }
  return [...counts.values()].map(({ event, count }) => plain(event, count));
}

/** The C library's words for an error, `Permission denied`, in lower case. */
const words: ReadonlyMap<string, string> = new Map([
  ...[...getSystemErrorMap().values()].map(([name, message]): [string, string] => [name, message.toLowerCase()]),
  ['EPERM', 'operation not permitted'],
  ['EACCES', 'permission denied'],
  ['EROFS', 'read-only file system'],
  ['ENOENT', 'no such file or directory'],
  ['EAGAIN', 'resource temporarily unavailable'],
  ['ENOSPC', 'no space left on device'],
  ['EMFILE', 'too many open files'],
  ['EFBIG', 'file too large'],
  ['ENOMEM', 'cannot allocate memory'],
  ['ENOSYS', 'function not implemented'],
  ['EADDRINUSE', 'address already in use'],
  ['EADDRNOTAVAIL', 'cannot assign requested address'],
  ['ENETUNREACH', 'network is unreachable'],
  ['EHOSTUNREACH', 'no route to host'],
  ['ECONNREFUSED', 'connection refused'],
  ['EBUSY', 'device or resource busy'],
  ['ENOEXEC', 'exec format error'],
  ['ENOTDIR', 'not a directory'],
  ['ETXTBSY', 'text file busy'],
]);

/** Words of programs for an error that are not the C library's. */
const otherWords: Readonly<Record<string, readonly string[]>> = {
  ENOENT: ['not found', 'does not exist', 'cannot find'],
  EACCES: ['must be superuser', 'must be root', 'permission'],
  EPERM: ['must be superuser', 'must be root', 'not permitted', 'permission'],
  EAGAIN: ['cannot fork', "can't fork"],
};

/**
 * The refusal that the command failed of. What it said decides: of the refusals before its last word, the last one whose error that
 * word names, and best one whose object it names too. Where it said nothing that is understood, the last refusal that is not of the
 * ordinary kind, of a process that failed.
 */
function decisiveOf({ events, said, ended, main, found }: Observed): Event | undefined {
  const fatal = events.findLast((event) => event.call === 'signal');
  if (main?.signal !== undefined && fatal) return fatal;
  const pool = events.filter((event) => event.call !== 'signal' && !((found.get(event.object) ?? -1) > event.order && event.ordinary));
  for (const message of said.toReversed()) {
    const text = message.text.toLowerCase();
    const named = pool.filter((event) => event.order < message.order && isNamed(event, text));
    if (named.length === 0) continue;
    const exact = named.filter((event) => text.includes(words.get(event.error) ?? '\0'));
    const candidates = exact.length ? exact : named;
    const serious = candidates.filter((event) => !event.ordinary);
    const withObject = candidates.filter((event) => event.object.length > 1 && message.text.includes(event.object));
    return withObject.findLast((event) => !event.ordinary) ?? withObject.at(-1) ?? serious.at(-1) ?? candidates.at(-1);
  }
  if (fatal && main && main.code > 128) return fatal;
  const failing = new Set(ended.filter((e) => e.code !== 0 || e.signal !== undefined).map((e) => e.pid));
  const serious = pool.filter((event) => !event.ordinary);
  return (
    serious.findLast((event) => failing.has(event.pid)) ??
    serious.at(-1) ??
    pool.findLast((event) => event.call.startsWith('exec')) ??
    (said.length === 0 ? undefined : pool.at(-1))
  );
}

function isNamed(event: Event, text: string): boolean {
  const library = words.get(event.error);
  return (library !== undefined && text.includes(library)) || (otherWords[event.error]?.some((phrase) => text.includes(phrase)) ?? false);
}

/** What a refused call was about. */
export const objectOf = (path: string | undefined): string => (path === undefined ? '' : basename(path));
