/** The hugetlb controller: pages of each huge size, used and reserved. Documentation/admin-guide/cgroup-v1/hugetlb.rst; cgroup-v2.rst, "HugeTLB". */
import { amount } from '../convert.ts';
import { CgroupError } from '../error.ts';
import { noController, type Plan, type PlanLimits } from './controller.ts';

export const planHugetlb: PlanLimits = (version, resources, files) => {
  const plan: Plan = { writes: [], unmet: [], warnings: [] };
  for (const { pageSize, limit } of resources.hugepageLimits ?? []) {
    if (!/^\d+[KMG]B$/.test(pageSize)) throw new CgroupError(`"${pageSize}" is not a huge page size: write it as 2MB or 1GB`);
    const suffix = version === 1 ? 'limit_in_bytes' : 'max';
    const file = `hugetlb.${pageSize}.${suffix}`;
    if (version === undefined) plan.unmet.push(noController('hugetlb', `The limit of ${pageSize} pages`));
    else if (!files.has(file))
      plan.unmet.push(`The limit of ${pageSize} pages will not be in force: this kernel has none of that size (see /sys/kernel/mm/hugepages)`);
    else {
      const value = version === 1 ? String(limit) : amount(limit);
      plan.writes.push({ file, value, what: `Limit its ${pageSize} pages to ${limit} bytes` });
      // Reservations count when a mapping is made, use when it is touched; without the former a process dies of SIGBUS.
      const reserved = `hugetlb.${pageSize}.rsvd.${suffix}`;
      if (files.has(reserved)) plan.writes.push({ file: reserved, value, what: `Limit its reserved ${pageSize} pages to ${limit} bytes` });
    }
  }
  return plan;
};
