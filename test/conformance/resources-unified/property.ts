/** Files of version 2 of cgroups, by their names. */
import assert from 'node:assert/strict';
import { cgroupFile } from '../../support/cgroup-file.ts';
import { isUnified } from '../suite/cgroups.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#unified';

export default {
  'are written': {
    spec,
    must: 'Each key is a file of the cgroup, and is written with its value, also where the runtime does not know it.',
    needs: () => (isUnified() ? false : 'the controllers are in version 1 here'),
    check: async (bench) => {
      const container = await bench.create({ linux: { resources: { unified: { 'memory.high': '33554432', 'pids.max': '77' } } } });
      assert.equal(cgroupFile(container.pid, '', ['', 'memory.high']).text, '33554432');
      assert.equal(cgroupFile(container.pid, '', ['', 'pids.max']).text, '77');
    },
  },
  'are an error for a controller that is not there': {
    spec,
    must: 'A controller that is not present or cannot be enabled is an error; in version 1 all are.',
    check: async (bench) => {
      await bench.refused({ linux: { resources: { unified: { 'warp.max': '9' } } } });
    },
  },
} satisfies Property;
