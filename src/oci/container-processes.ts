/** All processes of a container, by their ids here. */
import { readdirSync, readlinkSync } from 'node:fs';
import { isAlive, processStat } from '../kernel/process-stat.ts';
import { processes } from '../runtime/cgroup/cgroup.ts';
import { placeOf } from './cgroup-place.ts';
import type { ContainerRecord } from './container-record.ts';

/** Sorted; none when it has stopped. */
export function processesOf(record: ContainerRecord): number[] {
  const pids = record.cgroup.driver === 'disabled' ? withoutCgroup(record) : processes(placeOf(record.cgroup));
  return [...new Set(pids)].toSorted((a, b) => a - b);
}

/** Without a cgroup: what is in the PID namespace of the first process; or, where that is its caller's, what descends from it. */
function withoutCgroup({ process: first, namespaces }: ContainerRecord): number[] {
  if (!first || !isAlive(first)) return [];
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  if (namespaces.includes('pid')) {
    const own = pidNamespace(first.pid);
    return own === undefined ? [first.pid] : all.filter((pid) => pidNamespace(pid) === own);
  }
  const parents = new Map(all.map((pid) => [pid, processStat(pid)?.parent ?? 0]));
  const found = new Set([first.pid]);
  for (let before = 0; before !== found.size;) {
    before = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

function pidNamespace(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined; // it has ended, or is not ours to look at
  }
}
