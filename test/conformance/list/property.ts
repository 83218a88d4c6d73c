/** The containers of a state directory, as they are listed. */
import assert from 'node:assert/strict';
import type { Property } from '../suite/property.ts';

const spec = 'runc(8)';

/** An entry of `list --format json`. */
interface Listed {
  readonly id: string;
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly created: string;
}

export default {
  'are all there, with their states': {
    spec,
    must: '--format json prints a list of states, with the time of creation.',
    check: async (bench) => {
      const [created, running, stopped] = [await bench.create({}), await bench.start({ script: 'exec sleep 1000' }), await bench.start({ script: 'true' })];
      await stopped.ended();
      const { stdout } = await bench.runtime.call(['list', '--format', 'json']);
      const listed = (JSON.parse(stdout) as Listed[]).toSorted((a, b) => a.id.localeCompare(b.id));
      const expected = [created, running, stopped].map(({ id, bundle }) => ({ id, bundle: bundle.directory }));
      assert.deepEqual(
        listed.map(({ id, bundle }) => ({ id, bundle })),
        expected,
      );
      assert.deepEqual(
        listed.map(({ status }) => status),
        ['created', 'running', 'stopped'],
      );
      for (const { created } of listed) assert.ok(!Number.isNaN(Date.parse(created)), `created is ${created}`);
    },
  },
  'are given by their ids alone': {
    spec,
    must: '--quiet prints an id a line.',
    check: async (bench) => {
      const { id } = await bench.create({});
      assert.equal((await bench.runtime.call(['list', '--quiet'])).stdout.trim(), id);
    },
  },
  'may be none': {
    spec,
    must: 'Without containers there is no error.',
    check: async (bench) => {
      const { code, stdout } = await bench.runtime.call(['list', '--format', 'json']);
      assert.equal(code, 0);
      assert.deepEqual(JSON.parse(stdout) ?? [], []);
    },
  },
} satisfies Property;
