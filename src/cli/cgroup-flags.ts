/** The limits of `hako cgroup make`, `set` and `run`: Docker's flags, and `FILE=VALUE` for every other file. */
import { blockDeviceNumbers, type Resources, type Throttle } from '../element/cgroup/machine.ts';
import type { Limits } from '../element/cgroup/make.ts';
import { CommandError, UsageError, type Flags, type Values } from './command.ts';
import { containerFlags, resourceFlags } from './container-flags.ts';
import { parseRate } from './device-flag.ts';

export const limitFlags = {
  'blkio-weight': resourceFlags['blkio-weight'],
  'cpu-period': resourceFlags['cpu-period'],
  'cpu-quota': resourceFlags['cpu-quota'],
  'cpu-shares': resourceFlags['cpu-shares'],
  cpus: { kind: 'decimal', help: 'Processor time as a number of processors: 0.3 is 30 % of one; 0 lifts the ceiling' },
  'cpuset-cpus': resourceFlags['cpuset-cpus'],
  'cpuset-mems': resourceFlags['cpuset-mems'],
  'device-read-bps': containerFlags['device-read-bps'],
  'device-read-iops': containerFlags['device-read-iops'],
  'device-write-bps': containerFlags['device-write-bps'],
  'device-write-iops': containerFlags['device-write-iops'],
  memory: { kind: 'bytes', short: 'm', unlimited: true, help: 'Memory limit; -1 lifts it' },
  'memory-reservation': resourceFlags['memory-reservation'],
  'memory-swap': resourceFlags['memory-swap'],
  'memory-swappiness': containerFlags['memory-swappiness'],
  'oom-kill-disable': containerFlags['oom-kill-disable'],
  'pids-limit': resourceFlags['pids-limit'],
} as const satisfies Flags;

const period = 100_000; // microseconds: the kernel's own

/**
 * The limits that the flags and the words `FILE=VALUE` ask for.
 * Unlike a container, a cgroup gets what was said and nothing else: no limit of swap comes with one of memory.
 * @throws UsageError for values that no kernel takes, CommandError for a device that is none
 */
export function limitsOf(flags: Values<typeof limitFlags>, words: readonly string[] = []): Limits {
  const cpu = some({
    shares: flags['cpu-shares'],
    ...quotaOf(flags),
    cpus: flags['cpuset-cpus'],
    mems: flags['cpuset-mems'],
  });
  const memory = some({
    limit: flags.memory,
    reservation: flags['memory-reservation'],
    swap: flags['memory-swap'],
    swappiness: flags['memory-swappiness'],
    disableOOMKiller: flags['oom-kill-disable'] || undefined,
  });
  const blockIO = some({
    weight: flags['blkio-weight'],
    throttleReadBpsDevice: throttles(flags['device-read-bps'], 'bytes'),
    throttleWriteBpsDevice: throttles(flags['device-write-bps'], 'bytes'),
    throttleReadIOPSDevice: throttles(flags['device-read-iops'], 'operations'),
    throttleWriteIOPSDevice: throttles(flags['device-write-iops'], 'operations'),
  });
  const pids = flags['pids-limit'];
  const resources: Resources = {
    ...(cpu && { cpu }),
    ...(memory && { memory }),
    ...(blockIO && { blockIO }),
    ...(pids === undefined ? {} : { pids: { limit: pids || -1 } }),
  };
  return { resources, files: words.map(parseFileValue) };
}

function quotaOf({ cpus, 'cpu-quota': quota, 'cpu-period': given }: Values<typeof limitFlags>): { quota?: number; period?: number } {
  if (cpus === undefined) return { ...(quota === undefined ? {} : { quota: quota || -1 }), ...(given === undefined ? {} : { period: given }) };
  if (quota !== undefined) throw new UsageError('conflicting options: --cpus and --cpu-quota cannot both be set');
  if (cpus === 0) return { quota: -1 };
  const of = given ?? period;
  if (cpus * of < 1000) throw new UsageError(`--cpus ${cpus} is too little: the kernel gives at least 1 ms in each period, here ${1000 / of} processors`);
  return { quota: Math.round(cpus * of), period: of };
}

function throttles(texts: readonly string[], of: 'bytes' | 'operations'): Throttle[] | undefined {
  if (texts.length === 0) return undefined;
  return texts.map((text) => {
    const { Path, Rate } = parseRate(text, of);
    const numbers = blockDeviceNumbers(Path);
    if (!numbers) throw new CommandError(`${Path} is not a block device of this machine: limits of block I/O need one, see lsblk`);
    return { ...numbers, rate: Rate };
  });
}

function parseFileValue(word: string): { file: string; value: string } {
  const equals = word.indexOf('=');
  if (equals < 1) throw new UsageError(`"${word}" is not of the form FILE=VALUE, such as cpu.shares=512`);
  return { file: word.slice(0, equals), value: word.slice(equals + 1) };
}

/** Without the fields that were not given; undefined when none was. */
function some<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T | undefined {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return given.length ? (Object.fromEntries(given) as T) : undefined;
}
