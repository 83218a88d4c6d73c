/** The number of processes of a container. */
import assert from 'node:assert/strict';
import { cgroupFile } from '../../support/cgroup-file.ts';
import { needsController } from '../../support/needs.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxPIDS';
const needs = (): string | false => needsController('pids');

export default {
  'is limited': {
    spec,
    must: 'limit is the most tasks that the cgroup has.',
    needs,
    check: async (bench) => {
      const container = await bench.create({ linux: { resources: { pids: { limit: 77 } } } });
      assert.equal(cgroupFile(container.pid, 'pids', ['pids.max', 'pids.max']).text, '77');
    },
  },
  'cannot be more': {
    spec,
    must: 'A task more is refused.',
    needs,
    check: async (bench) => {
      // A runtime with threads may have more for a moment before it becomes the program.
      const script = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do sleep 100 & done';
      const { stderr } = await bench.run({ script, linux: { resources: { pids: { limit: 20 } } } });
      assert.match(stderr, /can't fork/);
    },
  },
  'is unlimited by -1': {
    spec,
    must: '-1 is unlimited.',
    needs,
    check: async (bench) => {
      const container = await bench.create({ linux: { resources: { pids: { limit: -1 } } } });
      assert.equal(cgroupFile(container.pid, 'pids', ['pids.max', 'pids.max']).text, 'max');
    },
  },
} satisfies Property;
