/** The cpu controller: shares of the processors and a ceiling. Documentation/scheduler/sched-bwc.rst; cgroup-v2.rst, "CPU". */
import { amount, sharesToWeight } from '../convert.ts';
import { noController, type Plan, type PlanLimits } from './controller.ts';

const defaultPeriod = 100_000; // microseconds, the kernel's own default

export const planCpu: PlanLimits = (version, resources, files) => {
  const plan: Plan = { writes: [], warnings: [] };
  const { shares, quota, period, burst, idle, realtimePeriod, realtimeRuntime } = resources.cpu ?? {};
  if (!shares && !quota && !period && !burst && idle === undefined && !realtimePeriod && !realtimeRuntime) return plan;
  if (version === undefined) {
    plan.warnings.push(noController('cpu', 'Processor limits'));
    return plan;
  }
  const write = (file: string, value: string | number, what: string): unknown => plan.writes.push({ file, value: String(value), what });

  // A group that is idle has no weight to set, so leaving idle comes before the weight and entering after it.
  const planIdle = (): void => {
    if (!files.has('cpu.idle')) plan.warnings.push('The idle processor class will not be used: this kernel has no cpu.idle (it came with 5.15)');
    else write('cpu.idle', idle ?? 0, idle ? 'Run it only when the processors have nothing else to do' : 'Let it compete for the processors');
  };
  if (idle === 0) planIdle();
  if (shares && version === 1) write('cpu.shares', shares, `Give it ${shares} shares of the processors (1024 are usual)`);
  if (shares && version === 2) write('cpu.weight', sharesToWeight(shares), `Give it ${shares} shares of the processors (1024 are usual), as a weight`);
  if (idle !== undefined && idle !== 0) planIdle();

  const quotaFile = version === 1 ? 'cpu.cfs_quota_us' : 'cpu.max';
  if ((quota || period) && !files.has(quotaFile)) {
    plan.warnings.push(`The processor ceiling will not be in force: this kernel has no ${quotaFile} (CONFIG_CFS_BANDWIDTH)`);
  } else if (version === 1) {
    if (period) write('cpu.cfs_period_us', period, `Account its processor time every ${period} µs`);
    if (quota) write('cpu.cfs_quota_us', quota, quota < 0 ? 'Let it use all processor time' : `Let it use ${quota} µs of processor time in each period`);
    if (burst !== undefined) write('cpu.cfs_burst_us', burst, `Let it save up ${burst} µs of processor time`);
  } else if (quota || period) {
    // Both are one file in v2: the one that is not asked for stays as it is.
    const [quotaNow = 'max', periodNow = String(defaultPeriod)] = (files.read('cpu.max') ?? '').split(' ').filter(Boolean);
    const value = `${quota ? amount(quota) : quotaNow} ${period ? period : periodNow}`;
    write('cpu.max', value, `Let it use at most this much processor time of each period, in µs: ${value}`);
  }
  if (version === 2 && burst !== undefined) write('cpu.max.burst', burst, `Let it save up ${burst} µs of processor time`);

  if (realtimePeriod || realtimeRuntime) {
    if (version === 2 || !files.has('cpu.rt_runtime_us')) {
      plan.warnings.push('Real-time processor limits will not be in force: they need cgroup v1 and a kernel with CONFIG_RT_GROUP_SCHED');
    } else {
      if (realtimePeriod) write('cpu.rt_period_us', realtimePeriod, `Account its real-time processor time every ${realtimePeriod} µs`);
      if (realtimeRuntime) write('cpu.rt_runtime_us', realtimeRuntime, `Let it use ${realtimeRuntime} µs of real-time processor time in each period`);
    }
  }
  return plan;
};
