/** Limits: from Docker's HostConfig to the runtime specification's resources. */
import type { ContainerResources, HostConfig, ThrottleDevice } from '../../api/schema.ts';
import { blockDeviceNumbers } from '../../kernel/block-device.ts';
import type { DeviceRule, Resources, Throttle } from '../../runtime/spec.ts';
import { EngineError } from '../engine.ts';
import { refuse } from './refusal.ts';
import { validateResources } from './validate-resources.ts';

const defaultPeriod = 100_000;

/** The limits of a container. Zero means nothing said, as in Docker's API. */
export function resourcesOf(host: ContainerResources, devices: readonly DeviceRule[]): Resources {
  return { ...limitsOf(host), devices };
}

/** The limits without the device rules: for an update. */
export function limitsOf(host: ContainerResources): Resources {
  const memory = memoryOf(host);
  const cpu = cpuOf(host);
  const io = blockIoOf(host);
  return {
    ...(memory ? { memory } : {}),
    ...(cpu ? { cpu } : {}),
    ...(host.PidsLimit ? { pids: { limit: host.PidsLimit } } : {}),
    ...(io ? { blockIO: io } : {}),
  };
}

function some<T extends object>(value: T): T | undefined {
  return Object.keys(value).length ? value : undefined;
}

function memoryOf(host: ContainerResources): Resources['memory'] {
  const { Memory = 0, MemorySwap = 0, MemoryReservation = 0, MemorySwappiness, OomKillDisable } = host;
  return some({
    ...(Memory > 0 ? { limit: Memory } : {}),
    // Without a word about swap, as much of it as of memory.
    ...(MemorySwap !== 0 ? { swap: MemorySwap } : Memory > 0 ? { swap: 2 * Memory } : {}),
    ...(MemoryReservation > 0 ? { reservation: MemoryReservation } : {}),
    ...(MemorySwappiness !== undefined && MemorySwappiness >= 0 ? { swappiness: MemorySwappiness } : {}),
    ...(OomKillDisable ? { disableOOMKiller: true } : {}),
  });
}

function cpuOf(host: ContainerResources): Resources['cpu'] {
  const { NanoCpus = 0, CpuShares = 0, CpuQuota = 0, CpuPeriod = 0, CpusetCpus, CpusetMems, CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 } = host;
  return some({
    ...(CpuShares ? { shares: CpuShares } : {}),
    ...(NanoCpus ? { quota: Math.round((NanoCpus * defaultPeriod) / 1e9), period: defaultPeriod } : {}),
    ...(CpuQuota ? { quota: CpuQuota } : {}),
    ...(CpuPeriod ? { period: CpuPeriod } : {}),
    ...(CpusetCpus ? { cpus: CpusetCpus } : {}),
    ...(CpusetMems ? { mems: CpusetMems } : {}),
    ...(CpuRealtimePeriod ? { realtimePeriod: CpuRealtimePeriod } : {}),
    ...(CpuRealtimeRuntime ? { realtimeRuntime: CpuRealtimeRuntime } : {}),
  });
}

function blockIoOf(host: ContainerResources): Resources['blockIO'] {
  const throttle = (devices: readonly ThrottleDevice[] | undefined): Throttle[] =>
    (devices ?? []).map(({ Path, Rate }) => ({ ...numbersOf(Path), rate: Rate }));
  const weights = (host.BlkioWeightDevice ?? []).map(({ Path, Weight }) => ({ ...numbersOf(Path), weight: Weight }));
  const lists = {
    weightDevice: weights,
    throttleReadBpsDevice: throttle(host.BlkioDeviceReadBps),
    throttleWriteBpsDevice: throttle(host.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: throttle(host.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: throttle(host.BlkioDeviceWriteIOps),
  };
  return some({
    ...(host.BlkioWeight ? { weight: host.BlkioWeight } : {}),
    ...Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)),
  });
}

/** The numbers of a block device of the host's. */
function numbersOf(path: string): { readonly major: number; readonly minor: number } {
  const numbers = blockDeviceNumbers(path);
  if (!numbers) throw new EngineError(400, `${path} is not a block device of this machine: limits of block I/O need one, such as /dev/sda`);
  return numbers;
}

/**
 * The change that `update` makes: what is not named stays as it was.
 * @throws EngineError 400 for limits that cannot be, alone or with those there are; 409 for a memory limit above that of memory and swap
 */
export function updateResources(
  before: HostConfig,
  change: ContainerResources & Pick<HostConfig, 'RestartPolicy'>,
): { readonly hostConfig: HostConfig; readonly resources: Resources } {
  const said = Object.fromEntries(
    Object.entries(change).filter(
      ([, value]) => value !== 0 && value !== '' && value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0),
    ),
  );
  if ('RestartPolicy' in said && !(said['RestartPolicy'] as { Name?: string }).Name) delete said['RestartPolicy'];
  const hostConfig: HostConfig = { ...before, ...said };
  const policy = hostConfig.RestartPolicy?.Name ?? '';
  refuse(
    'RestartPolicy' in said && before.AutoRemove === true && policy !== 'no',
    'Restart policy cannot be updated because AutoRemove is enabled for the container',
  );
  // A new limit without a word about swap must not end above the old sum of both.
  if (change.Memory && !change.MemorySwap && (before.MemorySwap ?? 0) > 0 && before.MemorySwap! < change.Memory) {
    throw new EngineError(409, 'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time');
  }
  validateResources(hostConfig);
  return { hostConfig, resources: limitsOf(hostConfig) };
}
