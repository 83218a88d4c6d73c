/** The I/O priority of the container's process. */
import assert from 'node:assert/strict';
import type { Property } from '../suite/property.ts';

const spec = 'config.md#configLinuxProcess';
const config = { ociVersion: '1.2.0' };

export default {
  'is set': {
    spec,
    must: 'class and priority are those of the process, and of what it starts.',
    check: async (bench) => {
      const priority = (ioPriority: object): Promise<string> => bench.report({ script: 'ionice -p $$', process: { ioPriority }, config });
      assert.equal(await priority({ class: 'IOPRIO_CLASS_BE', priority: 6 }), 'best-effort: prio 6');
      assert.match(await priority({ class: 'IOPRIO_CLASS_IDLE', priority: 0 }), /^idle/);
    },
  },
  'refuses a class or a priority that there is not': {
    spec,
    must: 'Invalid values are an error.',
    check: async (bench) => {
      await bench.refused({ process: { ioPriority: { class: 'IOPRIO_CLASS_SOON', priority: 0 } }, config });
      await bench.refused({ process: { ioPriority: { class: 'IOPRIO_CLASS_BE', priority: 8 } }, config });
    },
  },
} satisfies Property;
