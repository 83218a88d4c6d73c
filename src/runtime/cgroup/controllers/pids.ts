/** The pids controller: how many processes and threads. Documentation/admin-guide/cgroup-v1/pids.rst; cgroup-v2.rst, "PID". */
import { amount } from '../convert.ts';
import { noController, type PlanLimits } from './controller.ts';

export const planPids: PlanLimits = (version, resources) => {
  const limit = resources.pids?.limit;
  if (!limit) return { writes: [], unmet: [], warnings: [] }; // 0 is "not asked for", as in Docker
  if (version === undefined) return { writes: [], warnings: [], unmet: [noController('pids', 'The limit of processes')] };
  const what = limit < 0 ? 'Let it have any number of threads' : `Let it have at most ${limit} threads`;
  return { writes: [{ file: 'pids.max', value: amount(limit), what }], unmet: [], warnings: [] };
};
