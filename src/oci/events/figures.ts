/**
 * What a container uses, in the form that runc gives it (its types/events.go): containerd's shims and monitoring programs read it.
 * Names and units are those of cgroup v1, also where the figures are v2's.
 */
import { readdirSync } from 'node:fs';
import { readNested, readNumbers, readText } from '../../kernel/cgroupfs.ts';
import { directoryIn, directoryOf, unifiedDirectory, type CgroupPlace } from '../../runtime/cgroup/cgroup.ts';
import { nameIn } from '../../runtime/cgroup/layout.ts';
import { ioFigures } from './io-figures.ts';
import { maxUint64, parseExact, readExact, readExactKeyed, readRows, sparse } from './read.ts';

/** A controller's directory of the container. */
export interface Source {
  readonly directory: string;
  readonly version: 1 | 2;
}

/** The figures, as the `data` of an event. */
export function figures(place: CgroupPlace): object {
  const sourceOf = (controller: string): Source | undefined => {
    const hierarchy = place.hierarchies.find((h) => h.controllers.includes(nameIn(h, controller)));
    return hierarchy && { directory: directoryIn(hierarchy, place.path), version: hierarchy.version };
  };
  const unified = unifiedDirectory(place);
  const pressure = (resource: string): object => (unified === undefined ? {} : pressureOf(`${unified}/${resource}.pressure`));
  return {
    cpu: { usage: cpuUsage(place), throttling: throttling(sourceOf('cpu')), ...pressure('cpu') },
    cpuset: cpuset(sourceOf('cpuset')),
    memory: { ...memory(sourceOf('memory')), ...pressure('memory') },
    pids: pids(sourceOf('pids')),
    blkio: { ...ioFigures(sourceOf('io')), ...pressure('io') },
    hugetlb: hugetlb(sourceOf('hugetlb')),
    intel_rdt: {},
    network_interfaces: null,
  };
}

/** Nanoseconds in one of the kernel's clock ticks, by which v1 counts the two modes. sysconf(3), _SC_CLK_TCK. */
const tick = 10_000_000n;

function cpuUsage(place: CgroupPlace): object {
  const cpuacct = directoryOf(place, 'cpuacct');
  if (cpuacct === undefined) {
    const directory = unifiedDirectory(place);
    const stat = directory === undefined ? undefined : readExactKeyed(`${directory}/cpu.stat`);
    const nanoseconds = (name: string): bigint => (stat?.[name] ?? 0n) * 1000n;
    return { ...sparse({ total: nanoseconds('usage_usec') }), kernel: nanoseconds('system_usec'), user: nanoseconds('user_usec') };
  }
  const modes = readExactKeyed(`${cpuacct}/cpuacct.stat`);
  const each = (readRows(`${cpuacct}/cpuacct.usage_all`) ?? []).slice(1); // `cpu user system`
  return {
    ...sparse({
      total: readExact(`${cpuacct}/cpuacct.usage`),
      percpu: (readText(`${cpuacct}/cpuacct.usage_percpu`) ?? '').split(' ').flatMap((word) => parseExact(word) ?? []),
      percpu_kernel: each.map(([, , kernel]) => parseExact(kernel) ?? 0n),
      percpu_user: each.map(([, user]) => parseExact(user) ?? 0n),
    }),
    kernel: (modes?.['system'] ?? 0n) * tick,
    user: (modes?.['user'] ?? 0n) * tick,
  };
}

function throttling(source: Source | undefined): object {
  const stat = source && readExactKeyed(`${source.directory}/cpu.stat`);
  return sparse({
    periods: stat?.['nr_periods'],
    throttledPeriods: stat?.['nr_throttled'],
    throttledTime: stat?.['throttled_time'] ?? (stat?.['throttled_usec'] ?? 0n) * 1000n,
  });
}

function cpuset(source: Source | undefined): object {
  const read = (name: string): string | undefined => source && readText(`${source.directory}/cpuset.${name}`);
  const effective = source?.version === 2 ? '.effective' : '';
  const number = (name: string): bigint => parseExact(read(name)) ?? 0n;
  return {
    ...sparse({ cpus: members(read(`cpus${effective}`)), mems: members(read(`mems${effective}`)) }),
    cpu_exclusive: number('cpu_exclusive'),
    mem_hardwall: number('mem_hardwall'),
    mem_exclusive: number('mem_exclusive'),
    memory_migrate: number('memory_migrate'),
    memory_spread_page: number('memory_spread_page'),
    memory_spread_slab: number('memory_spread_slab'),
    memory_pressure: number('memory_pressure'),
    sched_load_balance: number('sched_load_balance'),
    sched_relax_domain_level: Number(read('sched_relax_domain_level') ?? 0), // -1 is usual
  };
}

/** `0-2,5` as numbers. */
function members(list = ''): number[] {
  return list
    .split(',')
    .filter((range) => range.trim() !== '')
    .flatMap((range) => {
      const [from = 0, to = from] = range.split('-').map(Number);
      return Array.from({ length: to - from + 1 }, (_, i) => from + i);
    });
}

const amounts = (limit = 0n, usage = 0n, max = 0n, failures = 0n): object => ({ limit, ...sparse({ usage, max }), failcnt: failures });

function memory(source: Source | undefined): object {
  if (!source) return {};
  const { directory, version } = source;
  const raw = readExactKeyed(`${directory}/memory.stat`) ?? {};
  const read = (file: string): bigint | undefined => readExact(`${directory}/memory.${file}`);
  if (version === 1) {
    const of = (prefix: string): object =>
      amounts(read(`${prefix}limit_in_bytes`), read(`${prefix}usage_in_bytes`), read(`${prefix}max_usage_in_bytes`), read(`${prefix}failcnt`));
    return { ...sparse({ cache: raw['cache'] }), usage: of(''), swap: of('memsw.'), kernel: of('kmem.'), kernelTCP: of('kmem.tcp.'), raw };
  }
  const [usage, limit, swap, swapLimit] = [read('current') ?? 0n, read('max') ?? maxUint64, read('swap.current'), read('swap.max') ?? maxUint64];
  const together = limit === maxUint64 || swapLimit === maxUint64 ? maxUint64 : limit + swapLimit;
  const failures = readExactKeyed(`${directory}/memory.events`)?.['max'];
  return {
    ...sparse({ cache: raw['file'] }),
    usage: amounts(limit, usage, read('peak'), failures),
    swap: swap === undefined ? amounts() : amounts(together, usage + swap),
    kernel: amounts(0n, raw['kernel']),
    kernelTCP: amounts(0n, raw['sock']),
    raw,
  };
}

function pids(source: Source | undefined): object {
  if (!source) return {};
  const limit = readExact(`${source.directory}/pids.max`);
  const current = readExact(`${source.directory}/pids.current`) ?? BigInt(readNumbers(`${source.directory}/cgroup.procs`)?.length ?? 0);
  return sparse({ current, limit: limit === maxUint64 ? undefined : limit });
}

function hugetlb(source: Source | undefined): object {
  if (!source) return {};
  const { directory, version } = source;
  const sizes = hugePageSizes();
  return Object.fromEntries(
    sizes.map((size) => {
      const read = (file: string): bigint | undefined => readExact(`${directory}/hugetlb.${size}.${file}`);
      const usage = read(version === 1 ? 'rsvd.usage_in_bytes' : 'rsvd.current') ?? read(version === 1 ? 'usage_in_bytes' : 'current');
      const failures = version === 1 ? (read('rsvd.failcnt') ?? read('failcnt')) : readExactKeyed(`${directory}/hugetlb.${size}.events`)?.['max'];
      return [
        size,
        { ...sparse({ usage, max: version === 1 ? (read('rsvd.max_usage_in_bytes') ?? read('max_usage_in_bytes')) : undefined }), failcnt: failures ?? 0n },
      ];
    }),
  );
}

/** As the names of control files have them: `2MB`. */
function hugePageSizes(): string[] {
  return hugePageDirectories().flatMap((name) => {
    const kilobytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
    if (!kilobytes) return [];
    const unit = kilobytes >= 1 << 20 ? 2 : kilobytes >= 1024 ? 1 : 0;
    return [`${kilobytes / 1024 ** unit}${'KMG'[unit]}B`];
  });
}

function hugePageDirectories(): string[] {
  try {
    return readdirSync('/sys/kernel/mm/hugepages');
  } catch {
    return []; // a kernel without any
  }
}

function pressureOf(path: string): object {
  const rows = readNested(path);
  const none = { avg10: 0, avg60: 0, avg300: 0, total: 0 };
  return rows?.['some'] ? { psi: { some: rows['some'], full: rows['full'] ?? none } } : {};
}
