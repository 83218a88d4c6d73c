/**
 * A container's cgroup: one path, with a directory in each hierarchy that the container uses.
 *
 * Not every hierarchy is used: each costs a container about 0.06 ms to make, join and remove, so one that would hold no
 * limit and give no figure is left out (docs/decisions/cgroup-join.md has the measurements).
 */
import { existsSync } from 'node:fs';
import { cgroupTree, readNumbers } from '../../kernel/cgroupfs.ts';
import type { Resources } from '../spec.ts';
import { hierarchyOf, nameIn, type CgroupLayout, type Hierarchy } from './layout.ts';
import { CgroupError } from './error.ts';

/** Where a cgroup's directories are: all that reading, pausing, killing and removing need to know. */
export interface CgroupPlace {
  /** The path in each hierarchy, such as `/hako/3f2a…`. */
  readonly path: string;
  /** The hierarchies in which it has a directory. */
  readonly hierarchies: readonly Hierarchy[];
}

export interface Cgroup extends CgroupPlace {
  readonly layout: CgroupLayout;
  /** The group of resctrl that goes with it, by its directory: who enters the one enters the other. */
  readonly resctrl?: string | undefined;
}

/** The directory of a path in a hierarchy. */
export function directoryIn(hierarchy: Hierarchy, path: string): string {
  return hierarchy.mountPoint + path;
}

/** The cgroup's directory where a controller is, if the cgroup has one there. `io` stands for v1's blkio too. */
export function directoryOf(cgroup: CgroupPlace, controller: string): string | undefined {
  const hierarchy = cgroup.hierarchies.find((h) => h.controllers.includes(nameIn(h, controller)) || h.name === controller);
  return hierarchy && directoryIn(hierarchy, cgroup.path);
}

/**
 * The cgroup's directory in the version 2 tree, for CLONE_INTO_CGROUP of clone3(2): a process made with it is born
 * there, at no cost. Undefined where no version 2 tree is mounted.
 */
export function unifiedDirectory(cgroup: CgroupPlace): string | undefined {
  const unified = cgroup.hierarchies.find((h) => h.version === 2);
  return unified && directoryIn(unified, cgroup.path);
}

/**
 * Checks a cgroup path.
 * @throws CgroupError unless it is absolute, below the root, and without `.`, `..` and empty parts
 */
export function checkPath(path: string): void {
  const parts = path.split('/').slice(1);
  const bad = (part: string): boolean => part === '' || part === '.' || part === '..' || part.includes('\0') || part.includes('\n');
  if (!path.startsWith('/') || parts.some(bad))
    throw new CgroupError(`"${path}" is not a cgroup path: use an absolute path such as /hako/ID, without . and ..`);
}

/** The prefixes of a path, shortest first: `/a`, `/a/b`. */
export const prefixes = (path: string): string[] =>
  path
    .split('/')
    .slice(1)
    .map((_, i, parts) => `/${parts.slice(0, i + 1).join('/')}`);

/**
 * The hierarchies that a container with these limits uses; the first is the same for all containers of a machine.
 * - always: the v2 tree (freezing, killing, events, processor times; born into it, it costs nothing), memory (usage,
 *   OOM kills), cpu (one container gets one share, however many threads it has), io (figures)
 * - without a v2 tree: freezer (pause, kill), cpuacct and pids (figures), and devices for its list
 * - with any limit of processor or memory: cpu, cpuacct, cpuset and memory, all four, because the JVM finds its limits
 *   only where all four are mounted (and otherwise takes the whole machine's memory for its own)
 * - with a limit: the controller that holds it
 * - every hierarchy in which the engine itself is not at the root: a container would be counted, limited and (by a
 *   service manager) ended as a part of the engine
 */
export function hierarchiesFor(layout: CgroupLayout, resources: Resources = {}): Hierarchy[] {
  const wanted = new Set(['memory', 'cpu', 'io', ...controllersAsked(resources)]);
  if (!layout.unified) for (const controller of ['freezer', 'cpuacct', 'pids']) wanted.add(controller);
  if (layout.deviceFilter === 'list') wanted.add('devices');
  if (isAsked(resources.cpu) || isAsked(resources.memory)) for (const controller of ['cpuacct', 'cpuset']) wanted.add(controller);
  const used = new Set<Hierarchy | undefined>([layout.unified, ...[...wanted].map((controller) => hierarchyOf(layout, controller))]);
  for (const hierarchy of layout.hierarchies) if (hierarchy.version === 1 && hierarchy.own !== '/') used.add(hierarchy);
  return [...used].filter((h) => h !== undefined);
}

const isAsked = (limits: object | undefined): boolean => limits !== undefined && Object.values(limits).some((value) => value !== undefined);

/** The controllers that hold the limits asked for. */
export function controllersAsked(resources: Resources): string[] {
  const asked: string[] = [];
  const { cpu } = resources;
  if (isAsked(cpu)) asked.push('cpu');
  if (cpu?.cpus || cpu?.mems) asked.push('cpuset');
  if (isAsked(resources.memory)) asked.push('memory');
  if (resources.pids) asked.push('pids');
  if (isAsked(resources.blockIO)) asked.push('io');
  if (resources.hugepageLimits?.length) asked.push('hugetlb');
  if (resources.network?.classID) asked.push('net_cls');
  if (resources.network?.priorities?.length) asked.push('net_prio');
  if (Object.keys(resources.rdma ?? {}).length > 0) asked.push('rdma');
  for (const file of Object.keys(resources.unified ?? {})) asked.push(file.slice(0, file.indexOf('.')));
  return asked;
}

/** Finds a cgroup that was made before, by the directories it has; undefined when it has none. */
export function findCgroup(layout: CgroupLayout, path: string): Cgroup | undefined {
  checkPath(path);
  // The dot: a control file is no cgroup.
  const hierarchies = layout.hierarchies.filter((h) => existsSync(`${directoryIn(h, path)}/.`));
  return hierarchies.length > 0 ? { layout, path, hierarchies } : undefined;
}

/** The processes of the cgroup and of all below it, by their ids here; empty when it is gone. */
export function processes(cgroup: CgroupPlace): number[] {
  const hierarchy = cgroup.hierarchies.find((h) => h.version === 2) ?? cgroup.hierarchies[0];
  if (!hierarchy) return [];
  // A zombie leader whose threads are gone shows as 0 in no file, but a process outside our PID namespace does.
  return cgroupTree(directoryIn(hierarchy, cgroup.path)).flatMap((d) => (readNumbers(`${d}/cgroup.procs`) ?? []).filter((pid) => pid > 0));
}
