/** How a container is, in the words of `docker ps`: `Up 3 seconds`, `Exited (0) 2 minutes ago`. Scripts look for them. */
import type { Health } from '../api/schema.ts';
import { never, type StateRecord } from './container.ts';

/**
 * The sentence of the column STATUS.
 * @param now milliseconds since the epoch
 */
export function statusText(state: StateRecord, health: Health | undefined, now: number = Date.now()): string {
  const since = (time: string): string => humanDuration(Math.max(0, now - Date.parse(time)));
  switch (state.status) {
    case 'running':
      return `Up ${since(state.startedAt)}${healthText(health)}`;
    case 'paused':
      return `Up ${since(state.startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    default:
      return state.startedAt === never ? 'Created' : `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  }
}

function healthText(health: Health | undefined): string {
  if (!health || health.Status === 'none') return '';
  return health.Status === 'starting' ? ' (health: starting)' : ` (${health.Status})`;
}

const day = 24;
/** Above so many hours the larger unit is used. */
const units: readonly (readonly [below: number, hours: number, name: string])[] = [
  [2 * day, 1, 'hours'],
  [14 * day, day, 'days'],
  [60 * day, 7 * day, 'weeks'],
  [730 * day, 30 * day, 'months'],
  [Infinity, 365 * day, 'years'],
];

/** A span of time in its largest unit, as Docker words it. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds < 60) return seconds === 1 ? '1 second' : `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes === 1 ? 'About a minute' : `${minutes} minutes`;
  const hours = Math.round(seconds / 3600);
  if (hours === 1) return 'About an hour';
  const [, size, name] = units.find(([below]) => hours < below)!;
  return `${Math.floor(hours / size)} ${name}`;
}
