/** The operation start. */
import assert from 'node:assert/strict';
import { written } from '../suite/hooks.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runtime.md#runtimeStart';

export default {
  'runs the program': {
    spec,
    must: 'start runs the program of process, in the process that create made.',
    check: async (bench) => {
      const container = await bench.create({ script: 'echo $$ started; exec sleep 1000' });
      await container.must('start');
      await container.said(/^1 started$/m);
      const { status, pid } = await container.state();
      assert.deepEqual({ status, pid }, { status: 'running', pid: container.pid });
    },
  },
  'is an error for a container that runs': {
    spec,
    must: 'A container that is not created is not started, and is as before.',
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'echo ran >>/var/ran; exec sleep 1000' });
      const container = await bench.start(bundle);
      await container.mustFail('start');
      assert.equal((await container.state()).status, 'running');
      assert.equal((await container.state()).pid, container.pid);
    },
  },
  'is an error for a container that has stopped': {
    spec,
    must: 'A container that is not created is not started, and is as before.',
    check: async (bench) => {
      const bundle = bench.bundle({ script: 'echo ran >>/var/ran' });
      const container = await bench.start(bundle);
      await container.ended();
      await container.mustFail('start');
      assert.equal((await container.state()).status, 'stopped');
      assert.equal(written(bundle, 'ran'), 'ran\n');
    },
  },
  'is an error for a container that was killed before': {
    spec,
    must: 'A container that is not created is not started.',
    check: async (bench) => {
      const container = await bench.create({ script: 'true' });
      await container.must('kill', 'KILL');
      await container.ended();
      await container.mustFail('start');
    },
  },
  'needs the id of a container': {
    spec,
    must: 'Without an id, and for one that nobody has, there is an error.',
    check: async (bench) => {
      assert.notEqual((await bench.runtime.call(['start'])).code, 0);
      assert.notEqual((await bench.runtime.call(['start', 'nobody'])).code, 0);
    },
  },
  'needs a process': {
    spec,
    must: 'When process is not set there is an error, at the latest of start.',
    check: async (bench) => {
      const { code } = await bench.run({ config: { process: undefined } });
      assert.notEqual(code, 0);
    },
  },
} satisfies Property;
