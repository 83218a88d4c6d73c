/**
 * What a container uses. Reading is plain file access and tolerates a cgroup that is going away: what can't be read is left out.
 * cgroup-v2.rst; Documentation/admin-guide/cgroup-v1/{cpuacct,memory,blkio-controller,pids}.rst.
 */
import { cgroupTree, readKeyed, readNested, readNumber, readNumbers, readText } from '../../kernel/cgroupfs.ts';
import { directoryOf, unifiedDirectory, type CgroupPlace } from './cgroup.ts';

export interface CgroupStats {
  readonly cpu?: CpuStats;
  readonly memory?: MemoryStats;
  readonly pids?: PidsStats;
  readonly io?: readonly DeviceIo[];
  /** Time that processes waited for a resource (PSI), where the kernel counts it. */
  readonly pressure?: { readonly cpu?: Pressure; readonly memory?: Pressure; readonly io?: Pressure };
}

/** Nanoseconds of processor time. */
export interface CpuStats {
  readonly usage: number;
  readonly user: number;
  readonly system: number;
  /** By processor; only cgroup v1 counts it. */
  readonly perCpu?: readonly number[];
  readonly throttling?: { readonly periods: number; readonly throttledPeriods: number; readonly throttledTime: number };
}

/** Bytes and counts. */
export interface MemoryStats {
  readonly usage: number;
  /** Infinity: none. */
  readonly limit: number;
  readonly maxUsage?: number;
  /** Memory and swap together. */
  readonly usageWithSwap?: number;
  /** How often the memory limit was hit. (v1 does not count it where the limit with swap is the same.) */
  readonly failures: number;
  readonly oomKills: number;
  /** The file cache that can be dropped at once; people expect usage without it. */
  readonly inactiveFile: number;
  /** All of memory.stat; names differ between v1 and v2. */
  readonly stat: Readonly<Record<string, number>>;
}

/** Threads, which is what the kernel counts. */
export interface PidsStats {
  readonly current: number;
  /** Infinity: none. */
  readonly limit: number;
}

/** Bytes and operations on one block device. */
export interface DeviceIo {
  readonly major: number;
  readonly minor: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
}

/** Documentation/accounting/psi.rst: percent of the last 10, 60 and 300 seconds, and microseconds in all. */
export interface Pressure {
  readonly some: Readonly<Record<string, number>>;
  readonly full?: Readonly<Record<string, number>>;
}

/** Reads all figures: about ten small files. */
export function stats(cgroup: CgroupPlace): CgroupStats {
  const cpu = cpuStats(cgroup);
  const memory = memoryStats(cgroup);
  const pids = pidsStats(cgroup);
  const io = ioStats(cgroup);
  const pressure = pressureStats(cgroup);
  return { ...(cpu && { cpu }), ...(memory && { memory }), ...(pids && { pids }), ...(io && { io }), ...(pressure && { pressure }) };
}

function cpuStats(cgroup: CgroupPlace): CpuStats | undefined {
  const unified = unifiedDirectory(cgroup);
  const cpuacct = directoryOf(cgroup, 'cpuacct');
  const cpu = directoryOf(cgroup, 'cpu');
  // v2 counts usage in every cgroup, even where the cpu controller is in v1.
  const base = unified === undefined ? undefined : readKeyed(`${unified}/cpu.stat`);
  const quota = cpu === undefined || cpu === unified ? base : readKeyed(`${cpu}/cpu.stat`);
  const throttling =
    quota?.['nr_periods'] === undefined
      ? undefined
      : {
          periods: quota['nr_periods'],
          throttledPeriods: quota['nr_throttled'] ?? 0,
          throttledTime: quota['throttled_time'] ?? (quota['throttled_usec'] ?? 0) * 1000,
        };
  const perCpu = cpuacct === undefined ? undefined : readNumbers(`${cpuacct}/cpuacct.usage_percpu`);
  const extra = { ...(perCpu && { perCpu }), ...(throttling && { throttling }) };
  if (base) return { usage: (base['usage_usec'] ?? 0) * 1000, user: (base['user_usec'] ?? 0) * 1000, system: (base['system_usec'] ?? 0) * 1000, ...extra };
  const usage = cpuacct === undefined ? undefined : readNumber(`${cpuacct}/cpuacct.usage`);
  if (usage === undefined) return undefined;
  return { usage, user: readNumber(`${cpuacct}/cpuacct.usage_user`) ?? 0, system: readNumber(`${cpuacct}/cpuacct.usage_sys`) ?? 0, ...extra };
}

function memoryStats(cgroup: CgroupPlace): MemoryStats | undefined {
  const directory = directoryOf(cgroup, 'memory');
  if (directory === undefined) return undefined;
  const v2 = directory === unifiedDirectory(cgroup);
  const usage = readNumber(`${directory}/${v2 ? 'memory.current' : 'memory.usage_in_bytes'}`);
  if (usage === undefined) return undefined;
  const stat = readKeyed(`${directory}/memory.stat`) ?? {};
  const events = v2 ? readKeyed(`${directory}/memory.events`) : undefined;
  const maxUsage = readNumber(`${directory}/${v2 ? 'memory.peak' : 'memory.max_usage_in_bytes'}`);
  const swap = readNumber(`${directory}/${v2 ? 'memory.swap.current' : 'memory.memsw.usage_in_bytes'}`);
  return {
    usage,
    limit: readNumber(`${directory}/${v2 ? 'memory.max' : 'memory.limit_in_bytes'}`) ?? Infinity,
    ...(maxUsage !== undefined && { maxUsage }),
    ...(swap !== undefined && { usageWithSwap: v2 ? usage + swap : swap }),
    failures: v2 ? (events?.['max'] ?? 0) : (readNumber(`${directory}/memory.failcnt`) ?? 0),
    oomKills: v2 ? (events?.['oom_kill'] ?? 0) : oomKills(cgroup),
    inactiveFile: stat['total_inactive_file'] ?? stat['inactive_file'] ?? 0,
    stat,
  };
}

function pidsStats(cgroup: CgroupPlace): PidsStats | undefined {
  const directory = directoryOf(cgroup, 'pids');
  const current = directory === undefined ? undefined : readNumber(`${directory}/pids.current`);
  if (current !== undefined) return { current, limit: readNumber(`${directory}/pids.max`) ?? Infinity };
  // A container that asked for no limit is not in the pids hierarchy: its threads are listed by the v2 tree.
  const unified = unifiedDirectory(cgroup);
  const lists = unified === undefined ? [] : cgroupTree(unified).map((d) => readNumbers(`${d}/cgroup.threads`));
  return lists.some(Boolean) ? { current: lists.reduce((sum, list) => sum + (list?.length ?? 0), 0), limit: Infinity } : undefined;
}

function ioStats(cgroup: CgroupPlace): DeviceIo[] | undefined {
  const directory = directoryOf(cgroup, 'io');
  if (directory === undefined) return undefined;
  const device = (name: string): { major: number; minor: number } => {
    const [major = 0, minor = 0] = name.split(':').map(Number);
    return { major, minor };
  };
  if (directory === unifiedDirectory(cgroup)) {
    const rows = readNested(`${directory}/io.stat`);
    return (
      rows &&
      Object.entries(rows).map(([name, row]) => ({
        ...device(name),
        readBytes: row['rbytes'] ?? 0,
        writtenBytes: row['wbytes'] ?? 0,
        reads: row['rios'] ?? 0,
        writes: row['wios'] ?? 0,
      }))
    );
  }
  const bytes = readByDevice(`${directory}/blkio.throttle.io_service_bytes_recursive`);
  const operations = readByDevice(`${directory}/blkio.throttle.io_serviced_recursive`);
  return (
    bytes &&
    [...bytes].map(([name, row]) => ({
      ...device(name),
      readBytes: row['Read'] ?? 0,
      writtenBytes: row['Write'] ?? 0,
      reads: operations?.get(name)?.['Read'] ?? 0,
      writes: operations?.get(name)?.['Write'] ?? 0,
    }))
  );
}

/** v1's lines `254:0 Read 4096`. */
function readByDevice(path: string): Map<string, Record<string, number>> | undefined {
  const text = readText(path);
  if (text === undefined) return undefined;
  const devices = new Map<string, Record<string, number>>();
  for (const line of text.split('\n')) {
    const [name, operation, value] = line.split(' ');
    if (name === undefined || operation === undefined || value === undefined) continue; // the total
    devices.set(name, { ...devices.get(name), [operation]: Number(value) });
  }
  return devices;
}

function pressureStats(cgroup: CgroupPlace): CgroupStats['pressure'] {
  const unified = unifiedDirectory(cgroup);
  if (unified === undefined) return undefined;
  const read = (resource: string): Pressure | undefined => {
    const rows = readNested(`${unified}/${resource}.pressure`);
    return rows?.['some'] && { some: rows['some'], ...(rows['full'] && { full: rows['full'] }) };
  };
  const cpu = read('cpu'),
    memory = read('memory'),
    io = read('io');
  return cpu || memory || io ? { ...(cpu && { cpu }), ...(memory && { memory }), ...(io && { io }) } : undefined;
}

/** How many of the cgroup's processes the kernel has killed for want of memory. One small file: cheap enough for each exit. */
export function oomKills(cgroup: CgroupPlace): number {
  const directory = directoryOf(cgroup, 'memory');
  if (directory === undefined) return 0;
  const file = directory === unifiedDirectory(cgroup) ? 'memory.events' : 'memory.oom_control';
  return readKeyed(`${directory}/${file}`)?.['oom_kill'] ?? 0;
}
