/** How the kernel ranks the container's process when memory runs out. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configLinuxProcess';
const script = 'cat /proc/self/oom_score_adj';

export default {
  'is set': {
    spec,
    must: 'oom_score_adj is oomScoreAdj.',
    check: async (bench) => {
      assert.equal(await bench.report({ script, process: { oomScoreAdj: 500 } }), '500');
      assert.equal(await bench.report({ script, process: { oomScoreAdj: 1000, user: { uid: 1000, gid: 1000 } } }), '1000');
    },
  },
  'is left alone when it is not set': {
    spec,
    must: 'Without oomScoreAdj the runtime does not change oom_score_adj.',
    check: async (bench) => {
      assert.equal(await bench.report({ script }), readFileSync('/proc/self/oom_score_adj', 'utf8').trim());
    },
  },
  'is not out of range': {
    spec,
    must: 'A value that the kernel refuses is an error.',
    check: async (bench) => {
      await bench.refused({ process: { oomScoreAdj: 1001 } });
    },
  },
} satisfies Property;
