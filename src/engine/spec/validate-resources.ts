/** Checks of limits, of a new container and of an update. The sentences are Docker's where scripts look for them. */
import type { ContainerResources } from '../../api/schema.ts';
import { online, parseCpuList } from '../../runtime/cpu-list.ts';
import { refuse } from './refusal.ts';

const leastMemory = 6 << 20;

/** @returns warnings. @throws EngineError 400 */
export function validateResources(host: ContainerResources): string[] {
  validateMemory(host);
  validateCpu(host);
  const { PidsLimit = 0, BlkioWeight = 0 } = host;
  refuse(PidsLimit < -1, `invalid pids limit (${PidsLimit}): use a number, or -1 for none`);
  for (const weight of [BlkioWeight, ...(host.BlkioWeightDevice ?? []).map((d) => d.Weight)]) {
    refuse(weight !== 0 && !(weight >= 10 && weight <= 1000), 'Range of blkio weight is from 10 to 1000');
  }
  for (const list of [host.BlkioDeviceReadBps, host.BlkioDeviceWriteBps, host.BlkioDeviceReadIOps, host.BlkioDeviceWriteIOps]) {
    for (const { Path, Rate } of list ?? []) refuse(Rate < 0, `invalid rate (${Rate}) for ${Path}: it can not be less than 0`);
  }
  refuse(
    !!host.CgroupParent && !/^\/?[^/\0\n]+(\/[^/\0\n]+)*\/?$/.test(host.CgroupParent),
    `invalid cgroup parent ${JSON.stringify(host.CgroupParent)}: use a path such as /my/group`,
  );
  refuse(
    !!host.CgroupParent?.split('/').some((part) => part === '.' || part === '..'),
    `invalid cgroup parent "${host.CgroupParent}": a path without . and ..`,
  );
  return warningsOf(host);
}

function warningsOf(host: ContainerResources): string[] {
  return [
    ...(host.OomKillDisable && !host.Memory
      ? ['OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.']
      : []),
    ...(host.KernelMemory || host.KernelMemoryTCP ? ['Limits of kernel memory are not in force: kernels no longer have them'] : []),
  ];
}

function validateMemory(host: ContainerResources): void {
  const { Memory = 0, MemorySwap = 0, MemoryReservation = 0, MemorySwappiness } = host;
  refuse(Memory < 0 || (Memory > 0 && Memory < leastMemory), 'Minimum memory limit allowed is 6MB');
  refuse(MemorySwap < -1, `invalid memory swap (${MemorySwap}): use a number of bytes, or -1 for unlimited swap`);
  refuse(MemorySwap > 0 && Memory > 0 && MemorySwap < Memory, 'Minimum memoryswap limit should be larger than memory limit, see usage');
  refuse(MemorySwap > 0 && Memory === 0, 'You should always set the Memory limit when using Memoryswap limit, see usage');
  refuse(MemoryReservation < 0 || (MemoryReservation > 0 && MemoryReservation < leastMemory), 'Minimum memory reservation allowed is 6MB');
  refuse(MemoryReservation > 0 && Memory > 0 && Memory < MemoryReservation, 'Minimum memory limit can not be less than memory reservation limit, see usage');
  refuse(
    MemorySwappiness !== undefined && (MemorySwappiness < -1 || MemorySwappiness > 100),
    `Invalid value: ${MemorySwappiness}, valid memory swappiness range is 0-100`,
  );
}

function validateCpu(host: ContainerResources): void {
  const { NanoCpus = 0, CpuPeriod = 0, CpuQuota = 0, CpuShares = 0, CpuRealtimePeriod = 0, CpuRealtimeRuntime = 0 } = host;
  refuse(NanoCpus > 0 && CpuPeriod > 0, 'Conflicting options: Nano CPUs and CPU Period cannot both be set');
  refuse(NanoCpus > 0 && CpuQuota !== 0, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  const count = parseCpuList(online('cpu'))?.size ?? 1;
  refuse(
    NanoCpus < 0 || NanoCpus > count * 1e9 || (NanoCpus > 0 && NanoCpus < 1e7),
    `range of CPUs is from 0.01 to ${count}.00, as there are only ${count} CPUs available`,
  );
  refuse(
    CpuPeriod !== 0 && (CpuPeriod < 1000 || CpuPeriod > 1_000_000),
    'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
  );
  refuse(CpuQuota > 0 && CpuQuota < 1000, 'CPU cfs quota can not be less than 1ms (i.e. 1000)');
  refuse(CpuShares < 0 || CpuShares > 262_144, `invalid CPU shares (${CpuShares}): use 2 to 262144`);
  refuse(CpuRealtimePeriod > 0 && CpuRealtimeRuntime > CpuRealtimePeriod, 'cpu real-time runtime cannot be higher than cpu real-time period');
  validateList(host.CpusetCpus, 'cpu', 'cpus', 'CPUs');
  validateList(host.CpusetMems, 'node', 'mems', 'memory nodes');
}

function validateList(text: string | undefined, kind: 'cpu' | 'node', option: string, what: string): void {
  if (!text) return;
  const asked = parseCpuList(text);
  refuse(!asked, `Invalid value ${text.slice(0, 80)} for cpuset ${option}`);
  const available = parseCpuList(online(kind));
  refuse(
    !!available && [...asked!].some((number) => !available.has(number)),
    `Requested ${what} are not available - requested ${text}, available: ${online(kind)}`,
  );
}
