/**
 * Conversions from the units of the OCI specification, which are those of cgroup v1, to those of cgroup v2.
 * The formulas are the ones that runc and crun use, so that a container gets the same share from any engine.
 */
import { CgroupError } from './error.ts';

/**
 * cpu.shares (2 to 262144, default 1024) to cpu.weight (1 to 10000, default 100).
 *
 * The three pairs (2, 1), (1024, 100), (262144, 10000) are to meet, which no straight line can; the exponent of ten is
 * a parabola through them in log2(shares). Source: https://github.com/opencontainers/cgroups (ConvertCPUSharesToCgroupV2Value)
 * and crun.1.md, "CPU controller"; up to runc 1.3 the line from (2, 1) to (262144, 10000) was used, which gave 39 for the default.
 */
export function sharesToWeight(shares: number): number {
  if (shares <= 2) return 1;
  if (shares >= 262144) return 10000;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

/**
 * blkio.weight (10 to 1000) to io.weight (1 to 10000), linearly.
 * Source: https://github.com/opencontainers/cgroups (ConvertBlkIOToIOWeightValue); crun.1.md, "IO controller".
 */
export function blkioWeightToIoWeight(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

/**
 * Memory and swap together (v1, the specification) to swap alone (v2's memory.swap.max).
 * Source: https://github.com/opencontainers/cgroups (ConvertMemorySwapToCgroupV2Value).
 * @param total memory and swap, bytes; -1 unlimited
 * @param memory the memory limit, bytes; -1 or Infinity unlimited, undefined unknown
 * @returns bytes of swap; -1 unlimited
 * @throws CgroupError when the two make no sense together
 */
export function swapAlone(total: number, memory: number | undefined): number {
  if (total === -1) return -1;
  if (memory === undefined) throw new CgroupError(`a limit of ${total} bytes for memory and swap needs a memory limit: set both`);
  if (memory === -1 || memory === Infinity) return total;
  if (total < memory)
    throw new CgroupError(`the limit of memory and swap together (${total} bytes) is less than that of memory (${memory} bytes): raise the former`);
  return total - memory;
}

/** A number for a v2 file: -1 is `max`. */
export function amount(value: number): string {
  return value < 0 ? 'max' : String(value);
}
