/** How long hooks may take. */
import assert from 'node:assert/strict';
import { scriptHook, written } from '../suite/hooks.ts';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configHooks';

export default {
  'a hook that takes longer has failed': {
    spec,
    must: 'After timeout seconds the hook is aborted.',
    check: async (bench) => {
      const bundle = bench.bundle({
        hooks: (bundle) => ({ createRuntime: [scriptHook('createRuntime', bundle, 'echo $$ >$out/pid; exec sleep 1000', { timeout: 1 })] }),
      });
      await bench.refused(bundle);
      const pid = Number(written(bundle, 'pid'));
      assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' }, 'the hook still runs');
    },
  },
  'a hook that takes less has not': {
    spec,
    must: 'timeout is a limit, not a duration.',
    check: async (bench) => {
      await bench.report({ hooks: (bundle) => ({ createRuntime: [scriptHook('createRuntime', bundle, 'true', { timeout: 60 })] }) });
    },
  },
  'none is negative': {
    spec,
    must: 'If it is set, timeout is greater than zero.',
    check: async (bench) => {
      await bench.refused({ hooks: (bundle) => ({ createRuntime: [scriptHook('createRuntime', bundle, 'true', { timeout: -1 })] }) });
    },
  },
  'none is zero': {
    spec,
    must: 'If it is set, timeout is greater than zero.',
    check: async (bench) => {
      await bench.refused({ hooks: (bundle) => ({ createRuntime: [scriptHook('createRuntime', bundle, 'true', { timeout: 0 })] }) });
    },
  },
} satisfies Property;
