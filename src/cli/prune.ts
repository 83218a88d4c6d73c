/** Prune: removes what nothing uses, after asking. */
import { filterQuery, post } from './client.ts';
import { CommandError, type Flag } from './command.ts';
import { humanSize } from './units.ts';

/** What all prune commands take. */
export const pruneFlags = {
  filter: { kind: 'list', placeholder: 'filter', help: 'Provide filter values (e.g. "until=<timestamp>")' },
  force: { kind: 'bool', short: 'f', help: 'Do not prompt for confirmation' },
} as const satisfies Record<string, Flag>;

/** What a prune removed, under a heading for each kind. */
export interface Pruned {
  readonly heading: string;
  readonly names: readonly string[];
  readonly bytes: number;
}

export async function pruneContainers(filters: readonly string[]): Promise<Pruned> {
  const answer = await post<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }>('/containers/prune', { filters: filterQuery(filters) });
  return { heading: 'Deleted Containers', names: answer.ContainersDeleted ?? [], bytes: answer.SpaceReclaimed };
}

/** @param all also images that have a name, when no container uses them */
export async function pruneImages(filters: readonly string[], all: boolean): Promise<Pruned> {
  type Answer = { ImagesDeleted: { Untagged?: string; Deleted?: string }[] | null; SpaceReclaimed: number };
  const answer = await post<Answer>('/images/prune', { filters: filterQuery([...filters, `dangling=${!all}`]) });
  const names = (answer.ImagesDeleted ?? []).map(({ Untagged, Deleted }) => (Untagged ? `untagged: ${Untagged}` : `deleted: ${Deleted}`));
  return { heading: 'Deleted Images', names, bytes: answer.SpaceReclaimed };
}

/** @param all also volumes that have a name */
export async function pruneVolumes(filters: readonly string[], all: boolean): Promise<Pruned> {
  const answer = await post<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }>('/volumes/prune', {
    filters: filterQuery(all ? [...filters, 'all=true'] : filters),
  });
  return { heading: 'Deleted Volumes', names: answer.VolumesDeleted ?? [], bytes: answer.SpaceReclaimed };
}

export function printPruned(pruned: readonly Pruned[]): void {
  for (const { heading, names } of pruned) if (names.length) process.stdout.write(`${heading}:\n${names.join('\n')}\n\n`);
  process.stdout.write(
    `Total reclaimed space: ${humanSize(
      pruned.reduce((sum, p) => sum + p.bytes, 0),
      4,
    )}\n`,
  );
}

/**
 * Asks on the terminal; without one there is nobody to ask.
 * @throws CommandError when the answer is no
 */
export async function confirm(warning: string, force: boolean): Promise<void> {
  if (force) return;
  process.stdout.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  const answer = await new Promise<string>((resolve) => {
    process.stdin.once('data', (data) => resolve(String(data)));
    process.stdin.once('end', () => resolve(''));
  });
  if (!/^y(es)?\s*$/i.test(answer)) throw new CommandError('nothing was removed: not confirmed', { hint: 'Use --force to remove without being asked.' });
}
