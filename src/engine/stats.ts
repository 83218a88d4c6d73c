/**
 * Figures of a running container as `docker stats` shows them: its cgroup's counters and its network's, in Docker's form. What was read
 * a moment ago is given to the next who asks, so that a container that ten people watch is not read ten times as often.
 */
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { setTimeout as setTimer } from 'node:timers/promises';
import type { BlkioEntry, BlkioStats, CpuStats, NetworkStats, StatsSample } from '../api/schema.ts';
import type { Cgroup } from '../runtime/cgroup/cgroup.ts';
import { type CgroupStats, stats as readCgroup } from '../runtime/cgroup/stats.ts';
import { now, rfc3339 } from './time.ts';

const interval = 1000;
const never = '0001-01-01T00:00:00Z';
const noCpu: CpuStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

/** What the sampler needs to know of a container. */
export interface StatsSource {
  readonly id: string;
  /** Without a leading slash. */
  readonly name: string;
  /** Absent while the container does not run: its figures are zeros. */
  readonly running?: {
    readonly cgroup: Cgroup;
    /** Of its init, in the engine's PID namespace. */
    readonly pid: number;
    /** Whether it has a network of its own. */
    readonly network: boolean;
  };
}

/**
 * Samples of a container until the signal aborts, one a second, the first at once; or a single one. A single sample is taken after a second,
 * so that it has one before it to compare with, unless `oneShot` says that it need not.
 * @param source asked at each sample, since a container starts and stops; undefined: it is gone, and the samples end
 */
export async function* containerSamples(
  source: () => StatsSource | undefined,
  options: { readonly stream: boolean; readonly oneShot: boolean; readonly signal: AbortSignal },
): AsyncGenerator<StatsSample, void> {
  const { signal } = options;
  let before: StatsSample | undefined;
  while (!signal.aborted) {
    const current = source();
    if (!current) return;
    const sample = await sampleOf(current);
    const joined = before && current.running ? { ...sample, preread: before.read, precpu_stats: before.cpu_stats } : sample;
    if (options.stream || options.oneShot || before || !current.running) yield joined;
    if (!options.stream && (options.oneShot || before || !current.running)) return;
    before = sample;
    await setTimer(interval, undefined, { signal }).catch(() => undefined);
  }
}

/** Samples that are young enough to be given to the next who asks, by container. */
const recent = new Map<string, { readonly pid: number | undefined; readonly sample: Promise<StatsSample> }>();

function sampleOf(source: StatsSource): Promise<StatsSample> {
  const pid = source.running?.pid;
  const known = recent.get(source.id);
  if (known && known.pid === pid) return known.sample;
  const entry = { pid, sample: readSample(source) };
  recent.set(source.id, entry);
  setTimeout(() => {
    if (recent.get(source.id) === entry) recent.delete(source.id);
  }, interval / 4).unref();
  return entry.sample;
}

/** Reads the counters once. */
async function readSample({ id, name, running }: StatsSource): Promise<StatsSample> {
  const base = { id, name: `/${name}`, preread: never, num_procs: 0, storage_stats: {}, precpu_stats: noCpu } as const;
  if (!running) return { ...base, read: never, pids_stats: {}, blkio_stats: blkioStats([]), cpu_stats: noCpu, memory_stats: {} };
  const figures = readCgroup(running.cgroup);
  const [networks, system] = await Promise.all([running.network ? networkStats(running.pid) : undefined, systemCpu()]);
  return {
    ...base,
    read: rfc3339(now()),
    pids_stats: figures.pids ? { current: figures.pids.current, ...(Number.isFinite(figures.pids.limit) ? { limit: figures.pids.limit } : {}) } : {},
    blkio_stats: blkioStats(figures.io ?? []),
    cpu_stats: cpuStats(figures, system),
    memory_stats: await memoryStats(figures),
    ...(networks ? { networks } : {}),
  };
}

function cpuStats({ cpu }: CgroupStats, system: number): CpuStats {
  if (!cpu) return noCpu;
  return {
    cpu_usage: {
      total_usage: cpu.usage,
      usage_in_kernelmode: cpu.system,
      usage_in_usermode: cpu.user,
      ...(cpu.perCpu ? { percpu_usage: [...cpu.perCpu] } : {}),
    },
    system_cpu_usage: system,
    online_cpus: cpu.perCpu?.length ?? cpus().length,
    throttling_data: {
      periods: cpu.throttling?.periods ?? 0,
      throttled_periods: cpu.throttling?.throttledPeriods ?? 0,
      throttled_time: cpu.throttling?.throttledTime ?? 0,
    },
  };
}

async function memoryStats({ memory }: CgroupStats): Promise<StatsSample['memory_stats']> {
  if (!memory) return {};
  // Without a limit of its own the machine's memory is the limit, which is what people want to see.
  const limit = Math.min(memory.limit, await machineMemory());
  return {
    usage: memory.usage,
    limit,
    failcnt: memory.failures,
    stats: { ...memory.stat },
    ...(memory.maxUsage === undefined ? {} : { max_usage: memory.maxUsage }),
  };
}

function blkioStats(io: NonNullable<CgroupStats['io']>): BlkioStats {
  const entries = (read: 'readBytes' | 'reads', write: 'writtenBytes' | 'writes'): BlkioEntry[] =>
    io.flatMap((device) => [
      { major: device.major, minor: device.minor, op: 'read', value: device[read] },
      { major: device.major, minor: device.minor, op: 'write', value: device[write] },
    ]);
  return {
    io_service_bytes_recursive: entries('readBytes', 'writtenBytes'),
    io_serviced_recursive: entries('reads', 'writes'),
    io_queue_recursive: null,
    io_service_time_recursive: null,
    io_wait_time_recursive: null,
    io_merged_recursive: null,
    io_time_recursive: null,
    sectors_recursive: null,
  };
}

/** Counters of the interfaces in a process's network namespace, but for the loopback; undefined when the process has ended. proc_pid_net(5) */
export async function networkStats(pid: number): Promise<Record<string, NetworkStats> | undefined> {
  const text = await readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const networks: Record<string, NetworkStats> = {};
  for (const line of text.split('\n').slice(2)) {
    const colon = line.indexOf(':');
    const interfaceName = line.slice(0, colon).trim();
    if (colon < 0 || interfaceName === 'lo') continue;
    const figures = line
      .slice(colon + 1)
      .trim()
      .split(/\s+/)
      .map(Number);
    const at = (index: number): number => figures[index] ?? 0;
    networks[interfaceName] = {
      rx_bytes: at(0),
      rx_packets: at(1),
      rx_errors: at(2),
      rx_dropped: at(3),
      tx_bytes: at(8),
      tx_packets: at(9),
      tx_errors: at(10),
      tx_dropped: at(11),
    };
  }
  return networks;
}

/** CPU time of the whole machine in nanoseconds: user, nice, system, idle, iowait, irq, softirq, in hundredths of a second. proc_stat(5) */
async function systemCpu(): Promise<number> {
  const line = (await readFile('/proc/stat', 'latin1')).split('\n', 1)[0] ?? '';
  return line
    .trim()
    .split(/\s+/)
    .slice(1, 8)
    .reduce((sum, ticks) => sum + Number(ticks) * 10_000_000, 0);
}

let memoryOfMachine: number | undefined;

async function machineMemory(): Promise<number> {
  memoryOfMachine ??= Number(/^MemTotal:\s+(\d+) kB/m.exec(await readFile('/proc/meminfo', 'latin1'))?.[1] ?? 0) * 1024;
  return memoryOfMachine;
}
