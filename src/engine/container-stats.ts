/** `stats` of a container: its figures, one a second, while it is there. */
import type { StatsSample } from '../api/schema.ts';
import type { Container } from './container.ts';
import type { Parts } from './parts.ts';
import { containerSamples, type StatsSource } from './stats.ts';

/** @see ContainerOperations.stats */
export function containerStats(
  parts: Parts,
  container: Container,
  options: { readonly stream: boolean; readonly oneShot: boolean; readonly signal: AbortSignal },
): AsyncIterable<StatsSample> {
  return containerSamples(() => sourceOf(parts, container), options);
}

function sourceOf(parts: Parts, container: Container): StatsSource | undefined {
  if (!parts.containers.all().includes(container)) return undefined;
  const { record, running } = container;
  const source = { id: record.id, name: record.name };
  return running ? { ...source, running: { cgroup: running.cgroup, pid: running.handle.pid, network: running.namespaces.includes('network') } } : source;
}
