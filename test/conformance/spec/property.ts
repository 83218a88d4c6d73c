/** The configuration to begin with. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Property } from '../suite/property.ts';

export default {
  'is one that the runtime takes': {
    spec: 'runc(8)',
    must: 'spec writes a config.json for a shell in rootfs; it is not overwritten.',
    check: async (bench) => {
      const bundle = bench.bundle();
      rmSync(join(bundle.directory, 'config.json'));
      assert.equal((await bench.runtime.call(['spec', '--bundle', bundle.directory])).code, 0);
      assert.notEqual((await bench.runtime.call(['spec', '--bundle', bundle.directory])).code, 0);
      const config = JSON.parse(readFileSync(join(bundle.directory, 'config.json'), 'utf8')) as {
        process: { args: string[]; terminal: boolean };
        root: object;
      };
      assert.deepEqual(config.process.args, ['sh']);
      bench.edit(bundle, (text) => {
        const changed = JSON.parse(text) as { process: Record<string, unknown>; root: Record<string, unknown>; linux: Record<string, unknown> };
        Object.assign(changed.process, { terminal: false, args: ['/bin/echo', 'ran'], rlimits: [] });
        Object.assign(changed.linux, { cgroupsPath: bundle.cgroupsPath });
        return JSON.stringify(changed);
      });
      assert.equal(await bench.report(bundle), 'ran');
    },
  },
} satisfies Property;
