/** The cpu controller: shares of the processors and a ceiling. Documentation/scheduler/sched-bwc.rst; cgroup-v2.rst, "CPU". */
import type { Resources } from '../../spec.ts';
import { amount, sharesToWeight } from '../convert.ts';
import { noController, type Files, type FileWrite, type Plan, type PlanLimits } from './controller.ts';

const defaultPeriod = 100_000; // microseconds, the kernel's own default

/** What the kernel makes of other numbers; kernel/sched/sched.h, MIN_SHARES and MAX_SHARES. */
const [leastShares, mostShares] = [2, 1 << 18];

export const planCpu: PlanLimits = (version, resources, files) => {
  const plan: Plan = { writes: [], unmet: [], warnings: [] };
  const { shares, quota, period, burst, idle, realtimePeriod, realtimeRuntime } = resources.cpu ?? {};
  if (!shares && !quota && !period && burst === undefined && idle === undefined && !realtimePeriod && !realtimeRuntime) return plan;
  if (version === undefined) {
    plan.unmet.push(noController('cpu', 'Processor limits'));
    return plan;
  }
  const write = (file: string, value: string | number, what: string): unknown => plan.writes.push({ file, value: String(value), what });

  // A group that is idle has no weight to set, so leaving idle comes before the weight and entering after it.
  const planIdle = (): void => {
    if (!files.has('cpu.idle')) plan.unmet.push('The idle processor class will not be used: this kernel has no cpu.idle (it came with 5.15)');
    else write('cpu.idle', idle ?? 0, idle ? 'Run it only when the processors have nothing else to do' : 'Let it compete for the processors');
  };
  if (idle === 0) planIdle();
  if (shares && version === 1 && (shares < leastShares || shares > mostShares))
    plan.unmet.push(
      `${shares} shares of the processors will be ${shares < leastShares ? leastShares : mostShares}: the minimum allowed cpu-shares is ${leastShares}, the maximum ${mostShares}`,
    );
  if (shares && version === 1) write('cpu.shares', shares, `Give it ${shares} shares of the processors (1024 are usual)`);
  if (shares && version === 2) write('cpu.weight', sharesToWeight(shares), `Give it ${shares} shares of the processors (1024 are usual), as a weight`);
  if (idle !== undefined && idle !== 0) planIdle();

  planCeiling(version, resources, files, plan);
  planRealTime(version, resources, files, plan);
  return plan;
};

/**
 * A new period and a new quota take two writes, and the kernel accepts neither a share of the processors above the cgroup's above nor
 * one below its least, in between too: with a longer period the share sinks first, with a shorter one the quota goes first.
 */
function inOrder(periodThenQuota: FileWrite[], period: number | undefined, periodNow: string | undefined): FileWrite[] {
  return period !== undefined && period < Number(periodNow ?? defaultPeriod) ? periodThenQuota.toReversed() : periodThenQuota;
}

function planCeiling(version: 1 | 2, resources: Resources, files: Files, plan: Plan): void {
  const { quota, period, burst } = resources.cpu ?? {};
  const [quotaFile, burstFile] = version === 1 ? ['cpu.cfs_quota_us', 'cpu.cfs_burst_us'] : ['cpu.max', 'cpu.max.burst'];
  const writes: FileWrite[] = [];
  if ((quota || period) && !files.has(quotaFile)) {
    plan.unmet.push(`The processor ceiling will not be in force: this kernel has no ${quotaFile} (CONFIG_CFS_BANDWIDTH)`);
  } else if (version === 1) {
    if (period) writes.push({ file: 'cpu.cfs_period_us', value: String(period), what: `Account its processor time every ${period} µs` });
    if (quota)
      writes.push({
        file: quotaFile,
        value: String(quota),
        what: quota < 0 ? 'Let it use all processor time' : `Let it use ${quota} µs of processor time in each period`,
      });
  } else if (quota || period) {
    // Both are one file in v2: the one that is not asked for stays as it is.
    const [quotaNow = 'max', periodNow = String(defaultPeriod)] = (files.read('cpu.max') ?? '').split(' ').filter(Boolean);
    const value = `${quota ? amount(quota) : quotaNow} ${period ? period : periodNow}`;
    writes.push({ file: 'cpu.max', value, what: `Let it use at most this much processor time of each period, in µs: ${value}` });
  }
  plan.writes.push(...(version === 1 ? inOrder(writes, period, files.read('cpu.cfs_period_us')) : writes));
  if (burst === undefined) return;
  if (!files.has(burstFile)) {
    if (burst > 0) plan.unmet.push(`The saving up of processor time will not be in force: this kernel has no ${burstFile} (it came with 5.14)`);
    return;
  }
  const write = { file: burstFile, value: String(burst), what: `Let it save up ${burst} µs of processor time` };
  // It may never be above the quota: less goes before a quota that sinks, more after one that rises.
  const quotaNow = (files.read(quotaFile) ?? '').split(' ')[0]!; // none is `max` or -1
  if (!/^\d+$/.test(quotaNow) || burst <= Number(quotaNow)) plan.writes.splice(plan.writes.length - writes.length, 0, write);
  else plan.writes.push(write);
}

function planRealTime(version: 1 | 2, resources: Resources, files: Files, plan: Plan): void {
  const { realtimePeriod: period, realtimeRuntime: runtime } = resources.cpu ?? {};
  if (!period && !runtime) return;
  if (version === 2 || !files.has('cpu.rt_runtime_us')) {
    plan.unmet.push('Real-time processor limits will not be in force: they need cgroup v1 and a kernel with CONFIG_RT_GROUP_SCHED');
    return;
  }
  const writes: FileWrite[] = [];
  if (period) writes.push({ file: 'cpu.rt_period_us', value: String(period), what: `Account its real-time processor time every ${period} µs` });
  if (runtime) writes.push({ file: 'cpu.rt_runtime_us', value: String(runtime), what: `Let it use ${runtime} µs of real-time processor time in each period` });
  plan.writes.push(...inOrder(writes, period, files.read('cpu.rt_period_us')));
}
