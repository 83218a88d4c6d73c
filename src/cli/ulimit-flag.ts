/** `--ulimit NAME=SOFT[:HARD]`; -1 is no limit. */
import type { Ulimit } from '../api/schema.ts';
import { UsageError } from './command.ts';

const names = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];

/** @throws UsageError for an unknown limit, or a soft one above the hard one */
export function parseUlimit(text: string): Ulimit {
  const wrong = (why: string): UsageError => new UsageError(`invalid argument "${text}" for "--ulimit" flag: ${why}`);
  const match = /^([a-z]+)=(-1|\d+)(?::(-1|\d+))?$/.exec(text);
  if (!match) throw wrong('it must have the form NAME=SOFT[:HARD]');
  const name = match[1]!;
  if (!names.includes(name)) throw wrong(`unknown limit '${name}', it must be one of ${names.join(', ')}`);
  const soft = Number(match[2]);
  const hard = Number(match[3] ?? match[2]);
  if (hard !== -1 && (soft === -1 || soft > hard)) throw wrong('the soft limit must not be above the hard limit');
  return { Name: name, Soft: soft, Hard: hard };
}
