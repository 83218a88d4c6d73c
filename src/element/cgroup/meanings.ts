/**
 * What the control files of cgroups say, in words: for each controller the files that a person looks at, of version 1 and of version 2,
 * and what a value in them means. Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/, scheduler/sched-bwc.rst, accounting/psi.rst.
 */
import { parseAmount } from '../../kernel/cgroupfs.ts';

/** `limit`: can be set. `use`: what is used now or was. `event`: how often something happened. `pressure`: waiting. */
export type FigureKind = 'limit' | 'use' | 'event' | 'pressure';

/** Reads a neighbouring file of the same directory: one value may need another to be understood. */
export type Neighbour = (file: string) => string | undefined;

/** One file, or one key of a file with several. */
export interface Meaning {
  readonly file: string;
  /** Of a flat keyed file. `some.avg10`: of a nested one. */
  readonly key?: string;
  readonly kind: FigureKind;
  /** The value in words. */
  readonly tell: (value: string, neighbour: Neighbour) => string;
}

/** Bytes in the unit that makes them short: `64 MiB`. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${Number(bytes.toPrecision(4))} ${units[unit]}`;
}

/** A span of time, given in microseconds: `1.03 s`, `30 ms`. */
export function timeText(microseconds: number): string {
  if (microseconds >= 60e6) return `${Number((microseconds / 60e6).toPrecision(3))} min`;
  if (microseconds >= 1e6) return `${Number((microseconds / 1e6).toPrecision(3))} s`;
  if (microseconds >= 1e3) return `${Number((microseconds / 1e3).toPrecision(3))} ms`;
  return `${Math.round(microseconds)} µs`;
}

const m = (kind: FigureKind, file: string, tell: string | Meaning['tell'], key?: string): Meaning => ({
  file,
  kind,
  tell: typeof tell === 'string' ? () => tell : tell,
  ...(key === undefined ? {} : { key }),
});

const bytes =
  (what: string, none: string) =>
  (value: string): string => {
    const amount = parseAmount(value);
    return amount === undefined || amount === Infinity ? none : `${bytesText(amount)}: ${what}`;
  };
const spent =
  (what: string, perMicrosecond = 1) =>
  (value: string): string =>
    `${timeText(Number(value) / perMicrosecond)}: ${what}`;
const percent =
  (what: string) =>
  (value: string): string =>
    `${value}% of the last 10 s ${what}`;

function ceiling(quota: number, period: number): string {
  return `at most ${timeText(quota)} in each ${timeText(period)}: ${Number((quota / period).toFixed(3))} processors; then it stands still until the next`;
}

const noCeiling = 'no ceiling: all the processor time that is free';
const throttledShare: Meaning['tell'] = (value, neighbour) => {
  const periods = Number(/^nr_periods (\d+)/m.exec(neighbour('cpu.stat') ?? '')?.[1] ?? 0);
  return `of them it had used its time up and was stopped${periods ? ` (${Math.round((100 * Number(value)) / periods)} %)` : ''}`;
};

const cpuV1: readonly Meaning[] = [
  m('limit', 'cpu.cfs_quota_us', (value, n) => (Number(value) < 0 ? noCeiling : ceiling(Number(value), Number(n('cpu.cfs_period_us') ?? 100_000)))),
  m('limit', 'cpu.cfs_period_us', (value) => `the ceiling is counted anew every ${timeText(Number(value))}`),
  m('limit', 'cpu.cfs_burst_us', (value) => (value === '0' ? 'unused time is not saved up' : `up to ${timeText(Number(value))} of unused time is saved up`)),
  m('limit', 'cpu.shares', 'weight among its siblings when processors are short; 1024 is usual'),
  m('limit', 'cpu.idle', (value) => (value === '0' ? 'it competes for the processors' : 'it runs only when nothing else wants to')),
  m('event', 'cpu.stat', 'periods of its ceiling in which it ran', 'nr_periods'),
  m('event', 'cpu.stat', throttledShare, 'nr_throttled'),
  m('event', 'cpu.stat', spent('so long its processors stood still', 1000), 'throttled_time'),
];

const cpuV2: readonly Meaning[] = [
  m('limit', 'cpu.max', (value) => {
    const [quota = 'max', period = '100000'] = value.split(' ');
    return quota === 'max' ? noCeiling : ceiling(Number(quota), Number(period));
  }),
  m('limit', 'cpu.max.burst', (value) => (value === '0' ? 'unused time is not saved up' : `up to ${timeText(Number(value))} of unused time is saved up`)),
  m('limit', 'cpu.weight', 'weight among its siblings when processors are short; 100 is usual'),
  m('limit', 'cpu.idle', (value) => (value === '0' ? 'it competes for the processors' : 'it runs only when nothing else wants to')),
  m('event', 'cpu.stat', 'periods of its ceiling in which it ran', 'nr_periods'),
  m('event', 'cpu.stat', throttledShare, 'nr_throttled'),
  m('event', 'cpu.stat', spent('so long its processors stood still'), 'throttled_usec'),
];

const cpuacct: readonly Meaning[] = [
  m('use', 'cpuacct.usage', spent('processor time so far', 1000)),
  m('use', 'cpuacct.usage_user', spent('of it in programs', 1000)),
  m('use', 'cpuacct.usage_sys', spent('of it in the kernel', 1000)),
];

const cpuset: readonly Meaning[] = [
  m('limit', 'cpuset.cpus', (value) => (value ? 'the processors that it may run on' : 'no choice of its own: those of the cgroup above')),
  m('limit', 'cpuset.mems', (value) => (value ? 'the memory nodes that it may use' : 'no choice of its own: those of the cgroup above')),
  m('use', 'cpuset.effective_cpus', 'the processors that it really has'),
  m('use', 'cpuset.cpus.effective', 'the processors that it really has'),
  m('use', 'cpuset.mems.effective', 'the memory nodes that it really has'),
];

const memoryV1: readonly Meaning[] = [
  m('limit', 'memory.limit_in_bytes', bytes('the most it may use; beyond, caches are dropped, then a process is killed', 'no limit')),
  m('limit', 'memory.memsw.limit_in_bytes', bytes('the most it may use of memory and swap together', 'no limit of memory and swap together')),
  m('limit', 'memory.soft_limit_in_bytes', bytes('it is brought down to this when memory gets short', 'no soft limit')),
  m('limit', 'memory.swappiness', 'how readily it is swapped out: 0 hardly, 100 as readily as caches are dropped'),
  m(
    'limit',
    'memory.oom_control',
    (value) => (value === '0' ? 'at its limit a process is killed' : 'at its limit its processes wait instead of being killed'),
    'oom_kill_disable',
  ),
  m('use', 'memory.usage_in_bytes', bytes('used now, with file cache', '')),
  m('use', 'memory.max_usage_in_bytes', bytes('the most it ever used', '')),
  m('use', 'memory.stat', bytes('of it file cache, which can be dropped', ''), 'total_cache'),
  m('use', 'memory.stat', bytes("of it the programs' own memory", ''), 'total_rss'),
  m('event', 'memory.failcnt', 'how often it reached its limit'),
  m('event', 'memory.oom_control', 'processes killed because its memory was used up', 'oom_kill'),
];

const memoryV2: readonly Meaning[] = [
  m('limit', 'memory.max', bytes('the most it may use; beyond, caches are dropped, then a process is killed', 'no limit')),
  m('limit', 'memory.high', bytes('beyond this it is slowed down and memory is taken back, but nothing is killed', 'no mark at which it is slowed down')),
  m('limit', 'memory.low', bytes('kept from being taken back while others have more to give', '')),
  m('limit', 'memory.swap.max', bytes('the most of it that may be in swap', 'no limit of swap')),
  m('use', 'memory.current', bytes('used now, with file cache', '')),
  m('use', 'memory.peak', bytes('the most it ever used', '')),
  m('use', 'memory.stat', bytes('of it file cache, which can be dropped', ''), 'file'),
  m('use', 'memory.stat', bytes("of it the programs' own memory", ''), 'anon'),
  m('use', 'memory.swap.current', bytes('of it in swap now', '')),
  m('event', 'memory.events', 'how often it was slowed down at memory.high', 'high'),
  m('event', 'memory.events', 'how often it reached its limit', 'max'),
  m('event', 'memory.events', 'processes killed because its memory was used up', 'oom_kill'),
];

const pids: readonly Meaning[] = [
  m('limit', 'pids.max', (value) =>
    value === 'max' ? 'no limit of processes and threads' : 'the most processes and threads it may have; a fork beyond fails with EAGAIN',
  ),
  m('use', 'pids.current', 'processes and threads in it now'),
  m('use', 'pids.peak', 'the most it ever had'),
  m('event', 'pids.events', 'forks that were refused at the limit', 'max'),
];

const ioV1: readonly Meaning[] = [
  m('limit', 'blkio.bfq.weight', 'weight among its siblings in block I/O, where BFQ schedules; 100 is usual'),
  m('limit', 'blkio.throttle.read_bps_device', 'most bytes read a second, by device (MAJOR:MINOR BYTES)'),
  m('limit', 'blkio.throttle.write_bps_device', 'most bytes written a second, by device'),
  m('limit', 'blkio.throttle.read_iops_device', 'most reads a second, by device'),
  m('limit', 'blkio.throttle.write_iops_device', 'most writes a second, by device'),
  m('use', 'blkio.throttle.io_service_bytes_recursive', bytes('moved to and from block devices so far', ''), 'Total'),
  m('use', 'blkio.throttle.io_serviced_recursive', 'reads and writes so far', 'Total'),
];

const ioV2: readonly Meaning[] = [
  m('limit', 'io.weight', 'weight among its siblings in block I/O; 100 is usual'),
  m('limit', 'io.bfq.weight', 'weight among its siblings in block I/O, where BFQ schedules; 100 is usual'),
  m('limit', 'io.max', 'most bytes and operations a second, by device'),
  m('use', 'io.stat', 'bytes and operations so far, by device'),
];

const pressure = (resource: string, some: string, full: string): Meaning[] => [
  m('pressure', `${resource}.pressure`, percent(some), 'some.avg10'),
  m('pressure', `${resource}.pressure`, percent(full), 'full.avg10'),
];

/** The files that every v2 cgroup has, whatever its controllers. */
export const coreMeanings: readonly Meaning[] = [
  m('limit', 'cgroup.freeze', (value) => (value === '0' ? 'its processes go on' : 'its processes are to stand still')),
  m('use', 'cgroup.events', (value) => (value === '0' ? 'no process in it, nor below it' : 'processes are in it or below it'), 'populated'),
  m('use', 'cgroup.events', (value) => (value === '0' ? 'not frozen' : 'all its processes stand still'), 'frozen'),
  m('use', 'cpu.stat', spent('processor time so far'), 'usage_usec'),
  m('use', 'cpu.stat', spent('of it in programs'), 'user_usec'),
  m('use', 'cpu.stat', spent('of it in the kernel'), 'system_usec'),
  ...pressure('cpu', 'some process wanted a processor and got none', 'all of them were'),
  ...pressure('memory', 'some process waited for memory', 'all of them did, and nothing was done'),
  ...pressure('io', 'some process waited for block I/O', 'all of them did, and nothing was done'),
];

const freezer: readonly Meaning[] = [
  m(
    'limit',
    'freezer.state',
    (value) => ({ THAWED: 'its processes go on', FREEZING: 'its processes are being stopped' })[value] ?? 'all its processes stand still',
  ),
];

const hugetlb: readonly Meaning[] = [
  m('limit', 'hugetlb.2MB.max', bytes('the most of 2 MiB pages', 'no limit of 2 MiB pages')),
  m('limit', 'hugetlb.2MB.limit_in_bytes', bytes('the most of 2 MiB pages', 'no limit of 2 MiB pages')),
  m('use', 'hugetlb.2MB.current', bytes('of 2 MiB pages used now', '')),
  m('use', 'hugetlb.2MB.usage_in_bytes', bytes('of 2 MiB pages used now', '')),
];

/** The files of a controller, by its name in that version. None for one whose files are no figures (devices). */
export function meaningsOf(version: 1 | 2, controller: string): readonly Meaning[] {
  const both: Readonly<Record<string, readonly Meaning[]>> = { cpuset, pids, hugetlb };
  const v1: Readonly<Record<string, readonly Meaning[]>> = { cpu: cpuV1, cpuacct, memory: memoryV1, blkio: ioV1, freezer };
  const v2: Readonly<Record<string, readonly Meaning[]>> = { cpu: cpuV2, memory: memoryV2, io: ioV2 };
  return (version === 1 ? v1 : v2)[controller] ?? both[controller] ?? [];
}
