/** Properties that a runtime does not know. */
import assert from 'node:assert/strict';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configExtensibility';

export default {
  'are ignored, wherever they are': {
    spec,
    must: 'An unknown property is no error.',
    check: async (bench) => {
      const unknown = { unknownProperty: { of: ['any', 'kind'] } };
      const text = await bench.report({
        script: 'echo ran',
        config: unknown,
        process: unknown,
        linux: unknown,
        mounts: [{ destination: '/mnt', type: 'tmpfs', source: 'tmpfs', ...unknown }],
      });
      assert.equal(text, 'ran');
    },
  },
} satisfies Property;
