/** The rdma controller: handles and objects of remote DMA adapters. Documentation/admin-guide/cgroup-v1/rdma.rst; cgroup-v2.rst, "RDMA". */
import { CgroupError } from '../error.ts';
import { noController, type PlanLimits } from './controller.ts';

export const planRdma: PlanLimits = (version, resources) => {
  const limits = Object.entries(resources.rdma ?? {});
  if (limits.length === 0) return { writes: [], unmet: [], warnings: [] };
  if (version === undefined) return { writes: [], unmet: [noController('rdma', 'Limits of RDMA')], warnings: [] };
  const writes = limits.flatMap(([device, { hcaHandles, hcaObjects }]) => {
    if (!/^[^\s/]+$/.test(device)) throw new CgroupError(`"${device}" is not the name of an RDMA device: use one of /sys/class/infiniband`);
    const keys = [...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]), ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`])];
    if (keys.length === 0) return [];
    return [{ file: 'rdma.max', value: `${device} ${keys.join(' ')}`, what: `Limit its use of the RDMA device ${device}: ${keys.join(', ')}` }];
  });
  return { writes, unmet: [], warnings: [] };
};
