/**
 * What `hako cgroup top` shows: two looks at all cgroups, and what happened between them. Rates and pressure are those of the interval
 * itself, from the kernel's running totals, and not averages that lag behind. See cgroups(7); Documentation/accounting/psi.rst.
 */
import { readFileSync, statSync } from 'node:fs';
import { cpus } from 'node:os';
import { readNested, readNumber, readText } from '../../kernel/cgroupfs.ts';
import { directoryIn, directoryOf, findCgroup, unifiedDirectory, type Cgroup } from '../../runtime/cgroup/cgroup.ts';
import { isFrozen } from '../../runtime/cgroup/freeze.ts';
import type { CgroupLayout } from '../../runtime/cgroup/layout.ts';
import { stats, type CgroupStats } from '../../runtime/cgroup/stats.ts';
import { allPaths } from './show.ts';

/** One look. */
export interface Sample {
  /** Milliseconds of a clock that only goes forward. */
  readonly at: number;
  readonly cgroups: ReadonlyMap<string, Counted>;
  readonly machine: MachineCount;
}

interface Counted extends CgroupStats {
  /** The inode number of its directory: a cgroup that was made anew under the same name counts from zero. */
  readonly inode: number;
  /** The ceiling, in processors; Infinity: none, undefined: no cpu controller. */
  readonly ceiling?: number;
  readonly frozen: boolean;
  /** The files that say so, with what they say. */
  readonly ceilingFiles?: string;
}

interface MachineCount {
  /** Microseconds in which something waited, so far. */
  readonly pressure: Waits;
  readonly idle: number;
  readonly all: number;
}

interface Waits {
  readonly cpu?: number;
  readonly memory?: number;
  readonly io?: number;
}

/** A cgroup in the time between two looks. Percentages of one processor: 100 is one processor, all the time. */
export interface Row {
  readonly path: string;
  /** The container whose cgroup it is, if the engine knows one. */
  readonly container?: string;
  readonly frozen: boolean;
  readonly cpu?: number;
  /** The ceiling in the same unit; absent: none. */
  readonly cpuCeiling?: number;
  /** Where that is written: `cpu.max 30000 100000`. */
  readonly cpuCeilingFiles?: string;
  /** Percent of the periods of its ceiling in which it was stopped. Absent without a ceiling. */
  readonly throttled?: number;
  /** Seconds that its processors stood still, of each second. */
  readonly throttledTime?: number;
  readonly memory?: number;
  readonly memoryLimit?: number;
  /** Of the memory: file cache that can be dropped at once. */
  readonly cache?: number;
  readonly limitHits?: number;
  /** Since it was made, and in this interval. */
  readonly oomKills?: number;
  readonly newOomKills?: number;
  readonly pids?: number;
  readonly pidsLimit?: number;
  /** Bytes a second, all devices. */
  readonly read?: number;
  readonly written?: number;
  /** Percent of the time in which some process waited for it (PSI). */
  readonly pressure?: Waits;
}

/** The machine in the same time. */
export interface Machine {
  readonly processors: number;
  /** Percent of one processor, as in the rows. */
  readonly cpu: number;
  readonly memoryTotal: number;
  readonly memoryAvailable: number;
  readonly pressure: Waits;
}

/** What happened between two looks. */
export interface Interval {
  readonly seconds: number;
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

/** Looks at all cgroups below some paths (default: all there are). */
export function sample(layout: CgroupLayout, under: readonly string[] = ['']): Sample {
  const paths = new Set(under.flatMap((path) => [...(path === '' ? [] : [path]), ...allPaths(layout, path)]));
  const counted = new Map<string, Counted>();
  for (const path of paths) {
    const cgroup = findCgroup(layout, path);
    const inode = cgroup && statSync(directoryIn(cgroup.hierarchies[0]!, path), { throwIfNoEntry: false })?.ino;
    if (cgroup && inode !== undefined) counted.set(path, { ...count(cgroup), inode });
  }
  return { at: performance.now(), cgroups: counted, machine: countMachine() };
}

function count(cgroup: Cgroup): Omit<Counted, 'inode'> {
  const freezable = unifiedDirectory(cgroup) !== undefined || directoryOf(cgroup, 'freezer') !== undefined;
  return { ...stats(cgroup), ...ceilingOf(cgroup), frozen: freezable && isFrozen(cgroup) };
}

function ceilingOf(cgroup: Cgroup): Pick<Counted, 'ceiling' | 'ceilingFiles'> {
  const directory = directoryOf(cgroup, 'cpu');
  if (directory === undefined) return {};
  if (directory === unifiedDirectory(cgroup)) {
    const text = readText(`${directory}/cpu.max`);
    const [quota = 'max', period = '100000'] = (text ?? '').split(' ');
    return { ceiling: quota === 'max' ? Infinity : Number(quota) / Number(period), ceilingFiles: `cpu.max ${quota} ${period}` };
  }
  const quota = readNumber(`${directory}/cpu.cfs_quota_us`) ?? -1;
  const period = readNumber(`${directory}/cpu.cfs_period_us`) ?? 100_000;
  return { ceiling: quota < 0 ? Infinity : quota / period, ceilingFiles: `cpu.cfs_quota_us ${quota}, cpu.cfs_period_us ${period}` };
}

function countMachine(): MachineCount {
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, soft = 0, stolen = 0] = readFileSync('/proc/stat', 'latin1')
    .split('\n', 1)[0]!
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const total = (resource: string): number | undefined => readNested(`/proc/pressure/${resource}`)?.['some']?.['total'];
  return { pressure: waits(total), idle: idle + wait, all: user + nice + system + idle + wait + irq + soft + stolen };
}

function waits(of: (resource: keyof Waits) => number | undefined): Waits {
  const [cpu, memory, io] = [of('cpu'), of('memory'), of('io')];
  return { ...(cpu !== undefined && { cpu }), ...(memory !== undefined && { memory }), ...(io !== undefined && { io }) };
}

/** What happened between two looks. A cgroup that is new has no rates yet. @param names of containers by their ids */
export function between(before: Sample, after: Sample, names: ReadonlyMap<string, string>): Interval {
  const seconds = Math.max((after.at - before.at) / 1000, 0.001);
  const rows = [...after.cgroups].map(([path, now]) => {
    const earlier = before.cgroups.get(path);
    return row(path, earlier?.inode === now.inode ? earlier : undefined, now, seconds, names);
  });
  const processors = cpus().length;
  const ticks = after.machine.all - before.machine.all;
  const busy = ticks > 0 ? 1 - (after.machine.idle - before.machine.idle) / ticks : 0;
  const meminfo = readFileSync('/proc/meminfo', 'latin1');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
  const machine: Machine = {
    processors,
    cpu: Math.max(busy, 0) * 100 * processors,
    memoryTotal: field('MemTotal'),
    memoryAvailable: field('MemAvailable'),
    pressure: share(before.machine.pressure, after.machine.pressure, seconds),
  };
  return { seconds, machine, rows };
}

/** Waiting microseconds as percent of the time. */
function share(before: Waits, after: Waits, seconds: number): Waits {
  return waits((resource) => {
    const [from, to] = [before[resource], after[resource]];
    return from === undefined || to === undefined ? undefined : Math.min(((to - from) / (seconds * 1e6)) * 100, 100);
  });
}

const totals = ({ pressure }: Counted): Waits => waits((resource) => pressure?.[resource]?.some['total']);
const sum = (io: CgroupStats['io'], field: 'readBytes' | 'writtenBytes'): number => (io ?? []).reduce((total, device) => total + device[field], 0);

function row(path: string, before: Counted | undefined, now: Counted, seconds: number, names: ReadonlyMap<string, string>): Row {
  const container = names.get(path.slice(path.lastIndexOf('/') + 1));
  const { cpu, memory, pids, io, ceiling, ceilingFiles = '' } = now;
  const limit = ceiling === undefined || ceiling === Infinity ? undefined : ceiling * 100;
  const periods = (cpu?.throttling?.periods ?? 0) - (before?.cpu?.throttling?.periods ?? 0);
  const stopped = (cpu?.throttling?.throttledPeriods ?? 0) - (before?.cpu?.throttling?.throttledPeriods ?? 0);
  const stood = (cpu?.throttling?.throttledTime ?? 0) - (before?.cpu?.throttling?.throttledTime ?? 0);
  return {
    path,
    ...(container !== undefined && { container }),
    frozen: now.frozen,
    ...(cpu && before?.cpu && { cpu: ((cpu.usage - before.cpu.usage) / (seconds * 1e9)) * 100 }),
    ...(limit !== undefined && { cpuCeiling: limit, cpuCeilingFiles: ceilingFiles }),
    ...(limit !== undefined && { throttled: before && periods > 0 ? (100 * stopped) / periods : 0, throttledTime: before ? stood / 1e9 / seconds : 0 }),
    ...(memory && { memory: memory.usage, cache: memory.inactiveFile, limitHits: memory.failures, oomKills: memory.oomKills }),
    ...(memory && memory.limit !== Infinity && { memoryLimit: memory.limit }),
    ...(memory && before?.memory && { newOomKills: memory.oomKills - before.memory.oomKills }),
    ...(pids && { pids: pids.current }),
    ...(pids && pids.limit !== Infinity && { pidsLimit: pids.limit }),
    ...(io && before?.io && { read: (sum(io, 'readBytes') - sum(before.io, 'readBytes')) / seconds }),
    ...(io && before?.io && { written: (sum(io, 'writtenBytes') - sum(before.io, 'writtenBytes')) / seconds }),
    ...(now.pressure && before?.pressure && { pressure: share(totals(before), totals(now), seconds) }),
  };
}

/** What rows can be sorted by. */
export const sortKeys = ['cpu', 'throttled', 'memory', 'oom', 'pids', 'io', 'pressure', 'name'] as const;
export type SortKey = (typeof sortKeys)[number];

const worst = ({ pressure = {} }: Row): number => Math.max(pressure.cpu ?? 0, pressure.memory ?? 0, pressure.io ?? 0);

const measures: Readonly<Record<Exclude<SortKey, 'name'>, (row: Row) => number>> = {
  cpu: (r) => r.cpu ?? -1,
  throttled: (r) => r.throttled ?? -1,
  memory: (r) => r.memory ?? -1,
  oom: (r) => r.oomKills ?? -1,
  pids: (r) => r.pids ?? -1,
  io: (r) => (r.read ?? -1) + (r.written ?? 0),
  pressure: worst,
};

/** Rows in order: the largest first, names from a to z; equal ones by name, so that nothing jumps about. */
export function sorted(rows: readonly Row[], by: SortKey): Row[] {
  const byName = (a: Row, b: Row): number => (a.path < b.path ? -1 : 1);
  if (by === 'name') return rows.toSorted(byName);
  const measure = measures[by];
  // A tenth of a unit is noise.
  const rounded = (r: Row): number => Math.round(measure(r) * 10);
  return rows.toSorted((a, b) => rounded(b) - rounded(a) || byName(a, b));
}
