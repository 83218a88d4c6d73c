/** Files of cgroup v2 that a configuration names directly (`linux.resources.unified` of the OCI specification). */
import type { Plan, PlanLimits } from './controller.ts';
import { CgroupError } from '../error.ts';

/** Files of cgroup.* that limit how many cgroups can be made below. */
const ofItsSize = /^cgroup\.max\.(depth|descendants)$/;

export const planUnified: PlanLimits = (version, resources, files) => {
  const plan: Plan = { writes: [], unmet: [], warnings: [] };
  for (const [file, value] of Object.entries(resources.unified ?? {})) {
    // The name goes into a path: a file of this cgroup, nothing else. Most of cgroup.* would move processes or controllers.
    const isResource = /^[a-z0-9_]+(\.[a-zA-Z0-9_]+)+$/.test(file) && (!file.startsWith('cgroup.') || ofItsSize.test(file));
    if (!isResource) throw new CgroupError(`"${file}" is not a resource file of cgroup v2: use a name such as memory.high`);
    if (version !== 2) plan.unmet.push(`${file} will not be in force: this machine has no cgroup v2 tree`);
    else if (!files.has(file)) plan.unmet.push(`${file} will not be in force: this machine's cgroup v2 tree has no such file (its controller may be in v1)`);
    // A write is one command to the kernel, and io.max takes one for each device.
    else for (const line of value.split('\n').filter((l) => l.trim() !== '')) plan.writes.push({ file, value: line, what: `Set ${file} to ${line}` });
  }
  return plan;
};
