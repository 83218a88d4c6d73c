/** The execution domain of the container's process. */
import assert from 'node:assert/strict';
import type { Property } from '../suite/property.ts';

const spec = 'config-linux.md#configLinuxPersonality';
const PER_LINUX32 = '00000008';

export default {
  'is set': {
    spec,
    must: 'domain is the personality of the process.',
    check: async (bench) => {
      const domain = (domain: string): Promise<string> => bench.report({ script: 'cat /proc/self/personality', linux: { personality: { domain } } });
      assert.equal(await domain('LINUX32'), PER_LINUX32);
      assert.equal(await domain('LINUX'), '00000000');
    },
  },
  'refuses a domain that there is not': {
    spec,
    must: 'Invalid values are an error.',
    check: async (bench) => {
      await bench.refused({ linux: { personality: { domain: 'SVR4' } } });
    },
  },
} satisfies Property;
