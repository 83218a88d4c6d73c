/** Limits of RDMA devices. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { cgroupFile } from '../../support/cgroup-file.ts';
import { firstOf, needsController } from '../../support/needs.ts';
import { isErrorWithout } from '../suite/missing-controller.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxRDMA';
const devices = (): string[] => (existsSync('/sys/class/infiniband') ? readdirSync('/sys/class/infiniband') : []);

export default {
  'are set': {
    spec,
    must: 'hcaHandles and hcaObjects are the limits of a device.',
    needs: () => firstOf(needsController('rdma'), devices().length > 0 ? false : 'there is no RDMA device here'),
    check: async (bench) => {
      const device = devices()[0]!;
      const container = await bench.create({ linux: { resources: { rdma: { [device]: { hcaHandles: 3, hcaObjects: 100 } } } } });
      assert.match(cgroupFile(container.pid, 'rdma', ['rdma.max', 'rdma.max']).text, new RegExp(`^${device} hca_handle=3 hca_object=100$`, 'm'));
    },
  },
  'are an error where there is no controller': isErrorWithout(['rdma'], { rdma: { mlx5_1: { hcaHandles: 3 } } }),
} satisfies Property;
