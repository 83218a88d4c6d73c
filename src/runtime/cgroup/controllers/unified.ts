/** Files of cgroup v2 that a configuration names directly (`linux.resources.unified` of the OCI specification). */
import type { Plan, PlanLimits } from './controller.ts';

export const planUnified: PlanLimits = (version, resources, files) => {
  const plan: Plan = { writes: [], warnings: [] };
  for (const [file, value] of Object.entries(resources.unified ?? {})) {
    // The name goes into a path: a file of this cgroup, nothing else. cgroup.* would move processes and controllers.
    const isResource = /^[a-z0-9_]+(\.[a-zA-Z0-9_]+)+$/.test(file) && !file.startsWith('cgroup.');
    if (!isResource) throw new Error(`"${file}" is not a resource file of cgroup v2: use a name such as memory.high`);
    if (version !== 2) plan.warnings.push(`${file} will not be in force: this machine has no cgroup v2 tree`);
    else if (!files.has(file)) plan.warnings.push(`${file} will not be in force: this machine's cgroup v2 tree has no such file (its controller may be in v1)`);
    else plan.writes.push({ file, value, what: `Set ${file} to ${value}` });
  }
  return plan;
};
