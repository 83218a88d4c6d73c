/** CPU time of processes, measured over a while: how much of one processor they use together. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { attempt } from '../../kernel/attempt.ts';
import type { LabCgroup } from './cgroup.ts';

/** What a cgroup used. */
export interface CpuUse {
  /** Parts of one processor: 0.3 is 30 %. */
  readonly processors: number;
  /** How many periods ended with the quota used up. */
  readonly throttled: number;
}

/** Microseconds of user and system time; undefined when the process is gone. See proc_pid_stat(5), utime and stime. */
export function cpuTime(pid: number): number | undefined {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields && (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Measures what the processes that are in a cgroup now use. @param milliseconds how long: ticks of 10 ms make short ones coarse */
export async function measure(cgroup: LabCgroup, milliseconds: number): Promise<CpuUse> {
  const pids = cgroup.processes;
  const read = (): { time: number; at: bigint; throttled: number } => ({
    time: pids.reduce((sum, pid) => sum + (cpuTime(pid) ?? 0), 0),
    at: process.hrtime.bigint(),
    throttled: cgroup.throttledPeriods ?? 0,
  });
  const before = read();
  await pause(milliseconds);
  const after = read();
  return { processors: (after.time - before.time) / (Number(after.at - before.at) / 1000), throttled: after.throttled - before.throttled };
}
