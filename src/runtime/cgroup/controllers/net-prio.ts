/** The net_prio controller: the priority of its packets, by interface. Version 1 alone. Documentation/admin-guide/cgroup-v1/net_prio.rst. */
import { CgroupError } from '../error.ts';
import { noController, type PlanLimits } from './controller.ts';

export const planNetPrio: PlanLimits = (version, resources) => {
  const priorities = resources.network?.priorities ?? [];
  if (priorities.length === 0) return { writes: [], unmet: [], warnings: [] };
  if (version === undefined) return { writes: [], unmet: [noController('net_prio', 'Network priorities')], warnings: [] };
  const writes = priorities.map(({ name, priority }) => {
    if (!/^[^\s/]{1,15}$/.test(name)) throw new CgroupError(`"${name}" is not the name of a network interface`);
    return { file: 'net_prio.ifpriomap', value: `${name} ${priority}`, what: `Give its packets on ${name} the priority ${priority}` };
  });
  return { writes, unmet: [], warnings: [] };
};
