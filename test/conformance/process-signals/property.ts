/** The signals that the container's process begins with. */
import assert from 'node:assert/strict';
import type { Property } from '../suite/property.ts';

const none = '0'.repeat(16);

export default {
  'are neither ignored nor blocked': {
    spec: 'config.md#configProcess',
    must: 'The program is executed as by execvp(3) in a process of its own: what the runtime does with signals for itself is not inherited.',
    check: async (bench) => {
      const grep = ['/bin/grep', '-E', '^Sig(Blk|Ign):', '/proc/self/status'];
      const expected = `SigBlk:\t${none}\nSigIgn:\t${none}`;
      assert.equal(await bench.report({ process: { args: grep } }), expected);
      const container = await bench.start({ script: 'exec sleep 1000' });
      assert.equal((await container.exec([], grep)).stdout.trim(), expected);
    },
  },
  'reach a process that is created, and not started': {
    spec: 'runtime.md#runtimeKill',
    must: 'A signal that ends a process ends one that is created.',
    check: async (bench) => {
      const container = await bench.create({ script: 'true', namespaces: ['mount', 'ipc', 'uts', 'network'] });
      await container.must('kill', 'TERM');
      await container.ended();
      assert.equal((await container.state()).status, 'stopped');
    },
  },
} satisfies Property;
