/**
 * Times as the API speaks them: nanoseconds since the epoch inside (bigint, since 2⁵³ ns is four months), RFC 3339 outside,
 * and the several forms that clients send.
 */
import { performance } from 'node:perf_hooks';
import { EngineError } from './engine.ts';

/** Milliseconds by which the monotonic clock may differ from the wall clock before it is set anew (somebody set the clock). */
const tolerance = 5;
let origin = performance.timeOrigin;
let last = 0n;

/** Nanoseconds since the epoch, with the resolution of microseconds; never the same twice, so events and log lines keep their order. */
export function now(): bigint {
  const wall = Date.now();
  let milliseconds = origin + performance.now();
  if (Math.abs(milliseconds - wall) > tolerance) {
    origin += wall - milliseconds;
    // Only a clock that somebody set back by much makes times repeat; small corrections keep the order.
    if (wall < milliseconds - 1000) last = 0n;
    milliseconds = wall;
  }
  const whole = Math.floor(milliseconds);
  const time = BigInt(whole) * 1_000_000n + BigInt(Math.floor((milliseconds - whole) * 1e6));
  last = time > last ? time : last + 1n;
  return last;
}

/** RFC 3339 in UTC with nine decimals, as Docker writes times in logs: `2006-01-02T15:04:05.000000000Z`. */
export function rfc3339(nanoseconds: bigint): string {
  const seconds = nanoseconds / 1_000_000_000n;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}Z`;
}

const unitNanoseconds: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/**
 * A Go duration such as `1h30m` or `1.5s` in nanoseconds; undefined when the text is none.
 * Source: the syntax of Go's time.ParseDuration.
 */
export function parseDuration(text: string): bigint | undefined {
  if (text === '0') return 0n;
  if (text.length > 64 || !/^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) total += Number(amount) * (unitNanoseconds[unit ?? ''] ?? 0);
  return BigInt(Math.round(total));
}

/**
 * A moment as clients of the Docker API write it, in nanoseconds since the epoch: seconds with up to nine decimals (`1700000000.000000001`),
 * RFC 3339 in whole or in part (`2024-01-02`, `2024-01-02T03:04:05Z`; without a zone, UTC), or a duration before now (`10m`).
 * @param name of the parameter, for the error
 * @throws EngineError 400 when the text is none of these
 */
export function parseMoment(text: string, name: string): bigint {
  const unix = /^(-?\d{1,12})(?:\.(\d{1,9}))?$/.exec(text);
  if (unix) return BigInt(unix[1] ?? 0) * 1_000_000_000n + BigInt((unix[2] ?? '').padEnd(9, '0'));
  const duration = parseDuration(text);
  if (duration !== undefined) return now() - duration;
  const date = /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  if (date) {
    const [, day, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = date;
    const milliseconds = Date.parse(`${day}T${hour}:${minute}:${second}${zone}`);
    if (!Number.isNaN(milliseconds)) return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
  }
  throw new EngineError(
    400,
    `The time '${text.slice(0, 64)}' in '${name}' is not understood: give seconds since 1970, an RFC 3339 time, or a duration such as 10m.`,
  );
}
