/** Which of the machine's ids the lab's users are: a range that is nobody's, or those that an ordinary user is granted. See user_namespaces(7). */
import { readFileSync } from 'node:fs';
import { ownMaps } from '../runtime/granted-ids.ts';
import type { IdMapping } from '../runtime/spec.ts';
import { LabError } from './error.ts';
import { labNames, noted } from './place.ts';

/** As many as a 16-bit id can name: what programs and nested user namespaces expect. */
const size = 65536;

/** Far above what distributions give to users and to services. */
const first = 1_900_000_000;

/** @throws LabError where this user namespace has no ids to spare */
export function chooseMaps(name: string): { readonly users: readonly IdMapping[]; readonly groups: readonly IdMapping[] } {
  if (process.geteuid!() !== 0) {
    const { uidMappings, gidMappings } = ownMaps();
    return { users: uidMappings, groups: gidMappings };
  }
  const taken = new Set(labNames().flatMap((other) => (other === name ? [] : (noted(other)?.hostId ?? []))));
  const [start, count] = room();
  for (let hostID = start; hostID + size <= start + count; hostID += size) {
    if (taken.has(hostID)) continue;
    const map = [{ containerID: 0, hostID, size }];
    return { users: map, groups: map };
  }
  throw new LabError('all the ids that this user namespace can give to labs are taken: stop a lab (hako lab ls), or run hako outside of it');
}

/** From where on there are ids for labs, and how many: far up where this user namespace is the machine's, else the end of its largest range. */
function room(): readonly [start: number, count: number] {
  const ranges = readFileSync('/proc/self/uid_map', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [inside: number, outside: number, count: number]);
  if (ranges.some(([inside, , count]) => inside <= first && first + 1000 * size <= inside + count)) return [first, 1000 * size];
  const [inside, , count] = ranges.toSorted((a, b) => b[2] - a[2])[0]!;
  // Root itself and the services of a container are at the beginning.
  const spare = count - Math.ceil(count / 2);
  return [inside + count - spare, spare];
}
