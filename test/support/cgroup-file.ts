/** What the kernel itself says of a process's limits: the files of the cgroup it is in, in version 1, 2 or hybrid. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Reads a file of the cgroup that holds a process.
 * @param controller `memory`, `cpu`, `pids`, …
 * @param names the file in version 1 and in version 2, such as `['memory.limit_in_bytes', 'memory.max']`
 * @returns its contents without the newline, and which version it is of
 * @throws Error when the process is in no cgroup of this controller
 */
export function cgroupFile(pid: number, controller: string, names: readonly [v1: string, v2: string]): { readonly version: 1 | 2; readonly text: string } {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').trim().split('\n');
  // hierarchy-ID:controllers:path; version 2 has no controllers here (cgroups(7))
  for (const line of readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n')) {
    const [id, controllers, path] = line.split(':', 3) as [string, string, string];
    if (id !== '0' && !controllers.split(',').includes(controller)) continue;
    const isHierarchy = (mount: string): boolean => (id === '0' ? / - cgroup2 /.test(mount) : new RegExp(` - cgroup .*\\b${controller}\\b`).test(mount));
    const mount = mounts.find(isHierarchy)?.split(' ')[4];
    const file = join(mount ?? '/nonexistent', path, names[id === '0' ? 1 : 0]);
    if (existsSync(file)) return { version: id === '0' ? 2 : 1, text: readFileSync(file, 'utf8').trim() };
  }
  throw new Error(`process ${pid} is in no cgroup with ${names.join(' or ')}`);
}

/** The memory limit of a process's cgroup, in bytes. */
export function memoryLimit(pid: number): number {
  return Number(cgroupFile(pid, 'memory', ['memory.limit_in_bytes', 'memory.max']).text);
}

/** The share of a processor's time that a process's cgroup may use: 0.5 is half of one. */
export function cpuLimit(pid: number): number {
  const { version, text } = cgroupFile(pid, 'cpu', ['cpu.cfs_quota_us', 'cpu.max']);
  if (version === 1) return Number(text) / Number(cgroupFile(pid, 'cpu', ['cpu.cfs_period_us', 'cpu.max']).text);
  const [quota, period] = text.split(' ').map(Number) as [number, number];
  return quota / period;
}

/** How often the kernel stopped a process's cgroup since its quota was used up. */
export function timesThrottled(pid: number): number {
  return Number(/^nr_throttled (\d+)$/m.exec(cgroupFile(pid, 'cpu', ['cpu.stat', 'cpu.stat']).text)?.[1]);
}
