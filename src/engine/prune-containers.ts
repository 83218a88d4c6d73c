/** `container prune`: removes every container that does not run. */
import type { Filters } from '../api/schema.ts';
import { checkFilters, filterValues, matchesLabels } from './filters.ts';
import type { Parts } from './parts.ts';
import { removeContainer } from './remove-container.ts';
import { parseMoment } from './time.ts';

/** @see ContainerOperations.prune */
export async function pruneContainers(parts: Parts, filters: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
  checkFilters(filters, ['label', 'label!', 'until']);
  const until = filterValues(filters, 'until')?.[0];
  const before = until === undefined ? undefined : parseMoment(until, 'until');
  const removed: string[] = [];
  let freed = 0;
  for (const container of parts.containers.all()) {
    const { record } = container;
    const old = before === undefined || BigInt(Date.parse(record.created)) * 1_000_000n < before;
    if (container.isRunning || record.state.status === 'restarting' || !old || !matchesLabels(filters, record.config.Labels)) continue;
    const size = await parts.snapshots.size(container.id);
    await container.exclusive(() => removeContainer(parts, container, { volumes: false }));
    removed.push(container.id);
    freed += size;
  }
  return { ContainersDeleted: removed, SpaceReclaimed: freed };
}
