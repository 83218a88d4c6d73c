/** The cpuset controller: which processors and which memory nodes. See cpuset(7); cgroup-v2.rst, "Cpuset". */
import { noController, type Plan, type PlanLimits } from './controller.ts';

export const planCpuset: PlanLimits = (version, resources) => {
  const plan: Plan = { writes: [], unmet: [], warnings: [] };
  const { cpus, mems } = resources.cpu ?? {};
  if (!cpus && !mems) return plan;
  if (version === undefined) {
    plan.unmet.push(noController('cpuset', 'The choice of processors and memory nodes'));
    return plan;
  }
  if (cpus) plan.writes.push({ file: 'cpuset.cpus', value: cpus, what: `Let it run on the processors ${cpus}` });
  if (mems) plan.writes.push({ file: 'cpuset.mems', value: mems, what: `Let it use the memory nodes ${mems}` });
  return plan;
};
