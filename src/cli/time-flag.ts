/** `--since` and `--until`: points in time. */
import { CommandError } from './command.ts';
import { parseDuration } from './flag-value.ts';

/**
 * A point in time, as `--since` and `--until` take it: RFC 3339 (with or without zone, in parts), seconds since the epoch
 * (with fraction), or a duration before now.
 * @returns seconds since the epoch, `SECONDS.NANOSECONDS`, as the API takes it
 */
export function parseTimestamp(text: string, now = Date.now()): string {
  if (/^\d+(\.\d{1,9})?$/.test(text)) return text;
  const parts = /^(\d{4}-\d\d-\d\d)(?:T(\d\d(?::\d\d(?::\d\d)?)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?)?(Z)?$/.exec(text);
  if (parts) {
    const [, date, time = '00:00:00', fraction = '', zone = parts[5] ?? ''] = parts;
    const full = time.length === 2 ? `${time}:00:00` : time.length === 5 ? `${time}:00` : time;
    const at = Date.parse(`${date}T${full}${zone}`); // without a zone: local time, as Docker reads it
    if (!Number.isNaN(at)) return `${Math.floor(at / 1000)}.${fraction.padEnd(9, '0')}`;
  }
  try {
    return (now / 1000 - parseDuration(text) / 1e9).toFixed(9);
  } catch {
    throw new Error(`'${text}' is not a time such as 2026-01-02T15:04:05Z, 1767366245 or 10m (ago)`);
  }
}

/** The value of a flag such as `--since`, in the API's form. @throws CommandError when it is not a time */
export function timeFlag(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return parseTimestamp(text);
  } catch (error) {
    throw new CommandError(`invalid value for --${name}: ${(error as Error).message}`);
  }
}
