/** Sizes and times as people read them, in Docker's wording, so that tables look the same. */

/** Bytes in powers of 1000, `digits` significant ones: `117MB`. */
export function humanSize(bytes: number, digits = 3): string {
  return scaled(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'], digits);
}

/** Bytes in powers of 1024, as memory is counted: `7.5MiB`. */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'], 4);
}

function scaled(value: number, base: number, units: readonly string[], digits: number): string {
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit]}`;
}

/** A number of things: `1 file`, `2 files`. */
export const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** A span of time in its largest unit: `3 hours`, `About a minute`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}

/** How long ago a time in seconds since the epoch is: `2 days ago`. */
export function ago(seconds: number, now = Date.now()): string {
  return `${humanDuration(Math.max(0, now - seconds * 1000))} ago`;
}

/** Seconds since the epoch as Go prints a local time: `2026-01-02 15:04:05 +0000 UTC`. */
export function localTime(seconds: number): string {
  const at = new Date(seconds * 1000);
  const zone = /\(([^)]+)\)/.exec(at.toString())?.[1] ?? '';
  const name =
    zone === 'Coordinated Universal Time'
      ? 'UTC'
      : zone
          .split(' ')
          .map((word) => word[0])
          .join('');
  return `${localDate(at)} ${localClock(at)} ${zoneOffset(at).replace(':', '')} ${name}`;
}

const two = (n: number): string => String(n).padStart(2, '0');
const localDate = (at: Date): string => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
const localClock = (at: Date): string => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

function zoneOffset(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Nanoseconds since the epoch in local RFC 3339 with nine decimals: `2026-01-02T15:04:05.000000001+00:00`. */
export function nanoTime(nanoseconds: bigint): string {
  const at = new Date(Number(nanoseconds / 1_000_000n));
  return `${localDate(at)}T${localClock(at)}.${String(nanoseconds % 1_000_000_000n).padStart(9, '0')}${zoneOffset(at)}`;
}

/** The first 12 digits of an id, without its `sha256:`. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

/** Cut to `width` characters, the last of which is then an ellipsis. */
export function ellipsis(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}
