/**
 * Paths of /proc and /sys that a container must not see or must not write, as Docker has them: what the kernel keeps
 * for the whole machine, without a namespace of its own.
 */
import { existsSync, readdirSync } from 'node:fs';

/** Where the CPUs' counters of thermal throttling are: read for timing, as /proc/interrupts is. Virtual machines have none. */
function thermalThrottlePaths(): string[] {
  const cpus = '/sys/devices/system/cpu';
  if (!existsSync(`${cpus}/cpu0/thermal_throttle`)) return [];
  return readdirSync(cpus)
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) => `${cpus}/${name}/thermal_throttle`);
}

/** Hidden: files behind /dev/null, directories behind an empty read-only tmpfs. */
export const defaultMaskedPaths: readonly string[] = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts', // timing of other containers' work
  '/proc/kcore', // the machine's memory
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap', // power measurements leak secrets
  '/sys/firmware',
  ...thermalThrottlePaths(),
];

/** Readable only. */
export const defaultReadonlyPaths: readonly string[] = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];
