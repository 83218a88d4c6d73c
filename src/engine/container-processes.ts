/**
 * Which processes are a container's: those in its cgroup; where it has none (the engine of a user to whom none is delegated), those in the
 * PID namespace of its first process, or that are its descendants where it has no such namespace of its own.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { processStat } from '../kernel/process-stat.ts';
import { processes } from '../runtime/cgroup/cgroup.ts';
import type { Running } from './container.ts';

/** Their ids, as the engine sees them. */
export function processesOf({ cgroup, handle, namespaces }: Pick<Running, 'cgroup' | 'handle' | 'namespaces'>): number[] {
  if (cgroup.hierarchies.length > 0) return processes(cgroup);
  const all = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
  return namespaces.includes('pid') ? inNamespaceOf(handle.pid, all) : descendantsOf(handle.pid, all);
}

function inNamespaceOf(first: number, all: readonly number[]): number[] {
  const namespace = (pid: number): string | undefined => {
    try {
      return readlinkSync(`/proc/${pid}/ns/pid`);
    } catch {
      return undefined; // gone, or another user's
    }
  };
  const own = namespace(first);
  return own === undefined ? [] : all.filter((pid) => namespace(pid) === own);
}

function descendantsOf(first: number, all: readonly number[]): number[] {
  const children = Map.groupBy(all, (pid) => processStat(pid)?.parent ?? 0);
  const found = processStat(first) ? [first] : [];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}
