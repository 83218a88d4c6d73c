/** One line of `hako stats`, computed from a sample as Docker's client computes it. */
import type { BlkioEntry, StatsSample } from '../api/schema.ts';
import type { ListFormat } from './list-output.ts';
import { binarySize, humanSize, shortId } from './units.ts';

export interface StatsRow {
  readonly id: string;
  readonly name: string;
  readonly cpuPercent: number;
  readonly memory: number;
  readonly memoryLimit: number;
  readonly received: number;
  readonly sent: number;
  readonly read: number;
  readonly written: number;
  readonly processes: number;
}

export function statsRow(sample: StatsSample): StatsRow {
  const networks = Object.values(sample.networks ?? {});
  const blocks = sample.blkio_stats?.io_service_bytes_recursive ?? [];
  return {
    id: sample.id,
    name: sample.name.replace(/^\//, ''),
    cpuPercent: cpuPercent(sample),
    memory: memoryInUse(sample),
    memoryLimit: sample.memory_stats?.limit ?? 0,
    received: networks.reduce((sum, n) => sum + n.rx_bytes, 0),
    sent: networks.reduce((sum, n) => sum + n.tx_bytes, 0),
    read: bytesOf(blocks, 'read'),
    written: bytesOf(blocks, 'write'),
    processes: sample.pids_stats?.current ?? 0,
  };
}

/** Share of the container in the CPU time that passed on the machine between two samples; 100 is one CPU. */
function cpuPercent({ cpu_stats: now, precpu_stats: before }: StatsSample): number {
  const used = (now?.cpu_usage?.total_usage ?? 0) - (before?.cpu_usage?.total_usage ?? 0);
  const passed = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0);
  const cpus = now?.online_cpus || now?.cpu_usage?.percpu_usage?.length || 1;
  return used > 0 && passed > 0 ? (used / passed) * cpus * 100 : 0;
}

/** Without the page cache that can be dropped: inactive_file, whose name has a prefix in cgroup v1. */
function memoryInUse({ memory_stats }: StatsSample): number {
  const { usage = 0, stats = {} } = memory_stats ?? {};
  const inactive = stats['total_inactive_file'] ?? stats['inactive_file'] ?? 0;
  return inactive < usage ? usage - inactive : usage;
}

const bytesOf = (entries: readonly BlkioEntry[], op: string): number => entries.reduce((sum, e) => (e.op.toLowerCase() === op ? sum + e.value : sum), 0);

export function statsList(truncate: boolean): ListFormat<StatsRow> {
  return {
    columns: {
      BlockIO: { header: 'BLOCK I/O', value: ({ read, written }) => `${humanSize(read)} / ${humanSize(written)}` },
      CPUPerc: { header: 'CPU %', value: ({ cpuPercent }) => `${cpuPercent.toFixed(2)}%` },
      Container: { header: 'CONTAINER', value: ({ id }) => (truncate ? shortId(id) : id) },
      ID: { header: 'CONTAINER ID', value: ({ id }) => (truncate ? shortId(id) : id) },
      MemPerc: { header: 'MEM %', value: ({ memory, memoryLimit }) => `${(memoryLimit ? (memory / memoryLimit) * 100 : 0).toFixed(2)}%` },
      MemUsage: { header: 'MEM USAGE / LIMIT', value: ({ memory, memoryLimit }) => `${binarySize(memory)} / ${binarySize(memoryLimit)}` },
      Name: { header: 'NAME', value: ({ name }) => name },
      NetIO: { header: 'NET I/O', value: ({ received, sent }) => `${humanSize(received)} / ${humanSize(sent)}` },
      PIDs: { header: 'PIDS', value: ({ processes }) => String(processes) },
    },
    table: ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'],
    quietColumn: 'ID',
  };
}
