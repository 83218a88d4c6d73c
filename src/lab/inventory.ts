/**
 * A lab's kernel objects, one line each: taken before and after, the two are equal when nothing was left. And what is left on the machine
 * of a lab that has ended: nothing. Volatile things (the shells that `hako lab shell` opened, counters) are not in it.
 */
import { closeSync, existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Place } from '../element/net/place.ts';
import { holdNamespace } from '../kernel/namespace.ts';
import { readMountinfo } from '../kernel/mountinfo.ts';
import { listAddresses, listLinks, listRoutes } from '../kernel/netlink/inventory.ts';
import { readRuleset } from '../kernel/netlink/nft-ruleset.ts';
import { isAlive, type ProcessIdentity } from '../kernel/process-stat.ts';
import { hierarchiesOf } from './delegation.ts';
import { labDirectory, stateRoot, type Lab, type LabHierarchy } from './place.ts';
import { attempt } from '../kernel/attempt.ts';
import { labProcesses } from './processes.ts';

/** All of it, sorted. Empty when the lab has ended. */
export function inventoryOf(lab: Pick<Lab, 'pid' | 'cgroups'>): string[] {
  return [...processLines(lab.pid), ...mountLines(lab.pid), ...cgroupLines(lab.cgroups), ...networkLines(lab.pid)].toSorted();
}

/** Processes but the lab's first with its own child, and those that came in from outside: a learner's shells. */
function processLines(first: number): string[] {
  const all = labProcesses(first);
  const inside = new Set(all.map(({ pid }) => pid));
  // What the init waits for; an orphan of the same words came later.
  const own = all.find(({ parent, args }) => parent === first && args.join(' ') === 'sleep infinity');
  return all.filter((process) => process.pid !== first && inside.has(process.parent) && process !== own).map(({ name }) => `process ${name}`);
}

/** As the lab's first process sees them; a namespace that is kept by a bind mount is one of them. */
function mountLines(first: number): string[] {
  return (attempt(() => readMountinfo(first)) ?? []).map(({ mountPoint, type }) => `mount ${type} on ${mountPoint}`);
}

function cgroupLines(hierarchies: readonly LabHierarchy[]): string[] {
  const below = (path: string): string[] =>
    (attempt(() => readdirSync(path, { withFileTypes: true })) ?? [])
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => [join(path, name), ...below(join(path, name))]);
  return hierarchies.flatMap(({ path, controllers, version }) =>
    below(path).map((directory) => `cgroup ${version === 2 ? 'v2' : controllers.join(',')} ${directory.slice(path.length)}`),
  );
}

/** Interfaces, addresses, routes and tables of rules in the lab's own network namespace. */
function networkLines(first: number): string[] {
  const held = holdNamespace(`/proc/${first}/ns/net`);
  if (typeof held === 'number') return [];
  const path = `/proc/${first}/ns/net`;
  const place = attempt(() => new Place({ inode: 0, own: false, names: [], container: undefined, pids: [first], files: [], path, held, label: 'lab' }));
  if (!place) return [];
  try {
    const links = listLinks(place.route);
    const nameOf = (index: number | undefined): string => links.find((link) => link.index === index)?.name ?? '';
    return [
      ...links.map(({ name, kind }) => `interface ${name}${kind === undefined ? '' : ` (${kind})`}`),
      ...listAddresses(place.route).map(({ address, prefix, index }) => `address ${address}/${prefix} on ${nameOf(index)}`),
      ...listRoutes(place.route)
        .filter(({ table }) => table === 254) // the table "local" follows from the addresses
        .map(({ destination, prefix, gateway, interface: index }) => `route ${destination}/${prefix}${gateway ? ` via ${gateway}` : ''} on ${nameOf(index)}`),
      ...readRuleset(place.netfilter).tables.map(({ family, name }) => `nf_tables table ${family} ${name}`),
    ];
  } finally {
    place.close();
    closeSync(held.fd);
  }
}

/** All processes of a lab: of its PID namespace, by which they are found also where it has no cgroup. */
export const processesOf = (lab: Pick<Lab, 'pid'> | undefined): ProcessIdentity[] => (lab ? labProcesses(lab.pid) : []);

/** What a lab that has ended has left on the machine: nothing, if all is well. @param before its processes before it ended */
export function leftOnMachine(name: string, before: readonly ProcessIdentity[]): string[] {
  const directory = labDirectory(name);
  const cgroups = hierarchiesOf(name).filter(({ path }) => existsSync(path));
  const inCgroups = cgroups.flatMap(({ path }) => (attempt(() => readFileSync(join(path, 'cgroup.procs'), 'utf8')) ?? '').split('\n').filter(Boolean));
  const processes = [...before.filter(isAlive).map(({ pid }) => String(pid)), ...inCgroups];
  return [
    ...[...new Set(processes)].map((pid) => `process ${pid}`),
    ...cgroups.map(({ path }) => `cgroup ${path}`),
    ...readMountinfo()
      .filter(({ mountPoint }) => mountPoint === directory || mountPoint.startsWith(`${directory}/`))
      .map(({ mountPoint }) => `mount ${mountPoint}`),
    ...[directory, join(stateRoot(), name)].filter((path) => existsSync(path)).map((path) => `directory ${path}`),
  ];
}
