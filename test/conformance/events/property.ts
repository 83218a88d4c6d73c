/** Figures of a container. */
import assert from 'node:assert/strict';
import { needsController } from '../../support/needs.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runc(8)';

/** What `events --stats` prints, as far as it is looked at. */
interface Stats {
  readonly type: string;
  readonly id: string;
  readonly data: {
    readonly cpu: { readonly usage: { readonly total: number } };
    readonly memory: { readonly usage: { readonly usage: number; readonly limit: number } };
    readonly pids: { readonly current: number; readonly limit: number };
  };
}

export default {
  'are printed once with --stats': {
    spec,
    must: 'events --stats prints usage and limits of processors, memory and processes, as one line of JSON.',
    needs: () => needsController('memory') || needsController('pids'),
    check: async (bench) => {
      const resources = { memory: { limit: 64 << 20 }, pids: { limit: 77 } };
      const container = await bench.start({ script: 'sleep 999 & echo up; exec sleep 1000', linux: { resources } });
      await container.said(/up/);
      const text = await container.must('events', '--stats');
      assert.equal(text.split('\n').length, 1);
      const { type, id, data } = JSON.parse(text) as Stats;
      assert.deepEqual([type, id], ['stats', container.id]);
      assert.ok(data.cpu.usage.total > 0, 'no processor time');
      assert.ok(data.memory.usage.usage > 0, 'no memory');
      assert.equal(data.memory.usage.limit, 64 << 20);
      assert.deepEqual([data.pids.current, data.pids.limit], [2, 77]);
    },
  },
  'of a container that does not run are an error': {
    spec,
    must: 'The container must exist.',
    check: async (bench) => {
      assert.notEqual((await bench.runtime.call(['events', '--stats', 'nobody'])).code, 0);
    },
  },
} satisfies Property;
