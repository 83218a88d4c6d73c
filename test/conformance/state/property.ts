/** The state of a container, as it is told. */
import assert from 'node:assert/strict';
import type { State } from '../suite/container.ts';
import type { Bundle } from '../suite/bench.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runtime.md#runtimeState';

/** Checks what schema/state-schema.json demands. */
function checkSchema(state: State, bundle: Bundle): void {
  assert.match(state.ociVersion, /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/);
  assert.equal(state.id, bundle.id);
  assert.equal(state.bundle, bundle.directory);
  assert.equal(typeof state.status, 'string');
  assert.ok(Number.isInteger(state.pid) && state.pid >= 0, `pid is ${state.pid}`);
  for (const [key, value] of Object.entries(state.annotations ?? {})) assert.equal(typeof value, 'string', `annotation ${key}`);
}

export default {
  created: {
    spec,
    must: 'After create, before the program has been executed, the status is created.',
    check: async (bench) => {
      const container = await bench.create({ script: 'true' });
      const state = await container.state();
      checkSchema(state, container.bundle);
      assert.deepEqual([state.status, state.pid], ['created', container.pid]);
    },
  },
  running: {
    spec,
    must: 'While the program runs the status is running, and pid is its process.',
    check: async (bench) => {
      const container = await bench.start({ script: 'echo up; exec sleep 1000' });
      await container.said(/up/);
      const state = await container.state();
      checkSchema(state, container.bundle);
      assert.deepEqual([state.status, state.pid], ['running', container.pid]);
    },
  },
  stopped: {
    spec,
    must: 'When the process has exited the status is stopped.',
    check: async (bench) => {
      const container = await bench.start({ script: 'true' });
      await container.ended();
      const state = await container.state();
      checkSchema({ ...state, pid: state.pid ?? 0 }, container.bundle);
      assert.equal(state.status, 'stopped');
    },
  },
  'of a container that does not exist is an error': {
    spec: 'runtime.md#runtimeQueryState',
    must: 'Without an id, and for one that nobody has, there is an error.',
    check: async (bench) => {
      const { code, stdout } = await bench.runtime.call(['state', 'nobody']);
      assert.notEqual(code, 0);
      assert.equal(stdout, '');
      assert.notEqual((await bench.runtime.call(['state'])).code, 0);
    },
  },
} satisfies Property;
