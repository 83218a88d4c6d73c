/** The cgroup of a container: where it is, what it may use and what it uses, read from its files. See cgroups(7). */
import type { CgroupFigure, CgroupView } from '../../api/schema.ts';
import { readNumber, readText } from '../../kernel/cgroupfs.ts';
import { directoryIn, directoryOf, unifiedDirectory, type Cgroup } from '../../runtime/cgroup/cgroup.ts';
import { titleOf } from '../../runtime/cgroup/layout.ts';
import { stats, type CgroupStats } from '../../runtime/cgroup/stats.ts';
import { sharesToWeight } from '../../runtime/cgroup/convert.ts';
import { resourcesOf } from '../spec/resources.ts';
import { tryRead } from '../process-files.ts';
import type { Subject } from './subject.ts';

/** Limits beside use, with the files that they were read from. The record's limits are compared. */
export function cgroupOf(subject: Subject): CgroupView {
  const { running, pid, differs } = subject;
  const { cgroup } = running;
  const memberships = membershipsOf(pid);
  const directories = cgroup.hierarchies.map((hierarchy) => {
    const key = hierarchy.version === 2 ? '' : (hierarchy.controllers[0] ?? `name=${hierarchy.name}`);
    const actual = memberships.get(key);
    const member = actual === cgroup.path || (actual?.startsWith(`${cgroup.path}/`) ?? false);
    if (!member) differs(`The record has the process in ${cgroup.path} of the ${titleOf(hierarchy)} hierarchy, but it is in ${actual ?? 'none'}`);
    return { hierarchy: titleOf(hierarchy), version: hierarchy.version, directory: directoryIn(hierarchy, cgroup.path), member };
  });
  return { path: cgroup.path, directories, figures: figuresOf(subject, cgroup) };
}

/** Lines of /proc/PID/cgroup by controller, the empty string for version 2. */
function membershipsOf(pid: number): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of (tryRead(`/proc/${pid}/cgroup`) ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path !== undefined) for (const controller of controllers!.split(',')) found.set(controller, path);
  }
  return found;
}

function figuresOf({ container, differs }: Subject, cgroup: Cgroup): CgroupFigure[] {
  const used = stats(cgroup);
  const asked = resourcesOf(container.record.hostConfig, []);
  const figures: CgroupFigure[] = [];
  const compare = (what: string, kernel: number | undefined, record: number | undefined, unit: (n: number) => string): void => {
    if (record === undefined || record === 0 || kernel === undefined) return;
    const wanted = record < 0 ? Infinity : record;
    // The kernel keeps sizes in whole pages.
    if (Math.abs(kernel - wanted) >= 4096 || (kernel !== wanted && wanted < 4096))
      differs(`The record limits ${what} to ${unit(wanted)}, the kernel to ${unit(kernel)}`);
  };
  const v2 = (directory: string): boolean => directory === unifiedDirectory(cgroup);

  const memory = directoryOf(cgroup, 'memory');
  if (memory !== undefined && used.memory) {
    const file = `${memory}/${v2(memory) ? 'memory.max' : 'memory.limit_in_bytes'}`;
    figures.push({ name: 'memory', limit: bytes(used.memory.limit), use: memoryUse(used.memory), file });
    compare('memory', used.memory.limit, asked.memory?.limit, bytes);
    const swapFile = `${memory}/${v2(memory) ? 'memory.swap.max' : 'memory.memsw.limit_in_bytes'}`;
    const swap = readNumber(swapFile);
    if (swap !== undefined)
      figures.push({ name: v2(memory) ? 'swap' : 'memory+swap', limit: bytes(swap), use: bytes(used.memory.usageWithSwap ?? 0), file: swapFile });
  }
  figures.push(...cpuFigures(cgroup, used, asked.cpu ?? {}, compare));
  if (used.pids) {
    const pids = directoryOf(cgroup, 'pids');
    figures.push({ name: 'pids', limit: count(used.pids.limit), use: `${used.pids.current}`, file: pids === undefined ? '' : `${pids}/pids.max` });
    compare('the number of processes', used.pids.limit, asked.pids?.limit, count);
  }
  const io = (used.io ?? []).reduce((sum, device) => ({ read: sum.read + device.readBytes, written: sum.written + device.writtenBytes }), {
    read: 0,
    written: 0,
  });
  if (used.io) figures.push({ name: 'io', limit: '', use: `${bytes(io.read)} read, ${bytes(io.written)} written`, file: '' });
  return figures;
}

const memoryUse = (memory: NonNullable<CgroupStats['memory']>): string =>
  [
    bytes(memory.usage),
    ...(memory.maxUsage === undefined ? [] : [`highest ${bytes(memory.maxUsage)}`]),
    ...(memory.failures ? [`limit hit ${memory.failures} times`] : []),
    ...(memory.oomKills ? [`${memory.oomKills} killed for want of it`] : []),
  ].join(', ');

function cpuFigures(
  cgroup: Cgroup,
  used: CgroupStats,
  asked: { readonly quota?: number; readonly period?: number; readonly shares?: number; readonly cpus?: string },
  compare: (what: string, kernel: number | undefined, record: number | undefined, unit: (n: number) => string) => void,
): CgroupFigure[] {
  const figures: CgroupFigure[] = [];
  const cpu = directoryOf(cgroup, 'cpu');
  const throttled = used.cpu?.throttling?.throttledPeriods ?? 0;
  const use = used.cpu ? `${(used.cpu.usage / 1e9).toFixed(2)} s${throttled ? `, held back in ${throttled} periods` : ''}` : '';
  if (cpu !== undefined) {
    const v2 = cpu === unifiedDirectory(cgroup);
    const file = `${cpu}/${v2 ? 'cpu.max' : 'cpu.cfs_quota_us'}`;
    const text = readText(file) ?? '';
    const [quota = 'max', period = '100000'] = v2 ? text.split(' ') : [text, readText(`${cpu}/cpu.cfs_period_us`)];
    const limited = quota !== 'max' && Number(quota) > 0;
    const share = Number(quota) / Number(period);
    figures.push({ name: 'cpu', limit: limited ? `${share} CPUs (${quota} of every ${period} µs)` : 'none', use, file });
    if (asked.quota) compare('processor time (µs in each period)', limited ? Number(quota) : Infinity, asked.quota, count);
    const weightFile = `${cpu}/${v2 ? 'cpu.weight' : 'cpu.shares'}`;
    const weight = readNumber(weightFile);
    if (weight !== undefined)
      figures.push({ name: v2 ? 'cpu weight' : 'cpu shares', limit: `${weight} (${v2 ? '100' : '1024'} is usual)`, use: '', file: weightFile });
    if (asked.shares) compare('its share of the processors', weight, v2 ? sharesToWeight(asked.shares) : asked.shares, count);
  } else if (use) figures.push({ name: 'cpu', limit: 'none', use, file: '' });
  const cpuset = directoryOf(cgroup, 'cpuset');
  const cpus = cpuset === undefined ? undefined : (readText(`${cpuset}/cpuset.effective_cpus`) ?? readText(`${cpuset}/cpuset.cpus.effective`));
  if (cpus) figures.push({ name: 'cpus', limit: cpus, use: '', file: `${cpuset}/cpuset.cpus` });
  return figures;
}

/** Bytes as a person reads them; exact where they are whole units. */
export function bytes(n: number): string {
  if (n === Infinity) return 'none';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  let value = n;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at++;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[at]}`;
}

const count = (n: number): string => (n === Infinity ? 'none' : String(n));
