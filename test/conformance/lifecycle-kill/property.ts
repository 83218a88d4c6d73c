/** The operation kill. */
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import type { Bench } from '../suite/bench.ts';
import type { Container } from '../suite/container.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runtime.md#runtimeKill';

/** What a process can be sent and live, by number on any architecture that Node names. */
const catchable = Object.entries(constants.signals).filter(([name, number]) => !['SIGKILL', 'SIGSTOP', 'SIGCHLD'].includes(name) && number < 32);
const numbers = [...new Set(catchable.map(([, number]) => number))].toSorted((a, b) => a - b);

/** A container that says each signal that it gets. */
async function listener(bench: Bench): Promise<Container> {
  const traps = numbers.map((number) => `trap 'echo got ${number}' ${number}`).join('; ');
  const container = await bench.start({ script: `${traps}; echo up; while true; do sleep 1000 & wait; done` });
  await container.said(/up/);
  return container;
}

export default {
  'sends each signal, by its number': {
    spec,
    must: 'The signal is sent to the container process.',
    check: async (bench) => {
      const container = await listener(bench);
      for (const number of numbers) {
        await container.must('kill', String(number));
        await container.said(new RegExp(`^got ${number}$`, 'm'));
      }
    },
  },
  'knows signals by their names': {
    spec: 'runc(8)',
    must: 'A signal is told by its name, with or without SIG, or by its number; without one it is SIGTERM.',
    check: async (bench) => {
      const container = await listener(bench);
      await container.must('kill', 'USR1');
      await container.said(/^got 10$/m);
      await container.must('kill', 'SIGUSR2');
      await container.said(/^got 12$/m);
      await container.must('kill');
      await container.said(/^got 15$/m);
    },
  },
  'refuses signals that there are not': {
    spec,
    must: 'Invalid values are an error, and nothing is sent.',
    check: async (bench) => {
      const container = await listener(bench);
      for (const signal of ['SIGNAL', '4711', '1x']) await container.mustFail('kill', signal);
      assert.equal((await container.state()).status, 'running');
      assert.equal(container.output, 'up\n');
    },
  },
  'ends a container that is created': {
    spec,
    must: 'A created container can be sent signals, too.',
    check: async (bench) => {
      const container = await bench.create({ script: 'echo never' });
      await container.must('kill', 'KILL');
      assert.equal(await container.ended(), '');
      assert.equal((await container.state()).status, 'stopped');
    },
  },
  'ends a container that runs': {
    spec,
    must: 'After SIGKILL the container is stopped.',
    check: async (bench) => {
      const container = await bench.start({ script: 'trap "" TERM; echo up; sleep 1000' });
      await container.said(/up/);
      await container.must('kill', 'KILL');
      await container.ended();
      assert.equal((await container.state()).status, 'stopped');
    },
  },
  'is an error for a container that has stopped': {
    spec,
    must: 'A container that is neither created nor running is sent nothing, and is as before.',
    check: async (bench) => {
      const container = await bench.start({ script: 'true' });
      await container.ended();
      const before = await container.state();
      await container.mustFail('kill', 'KILL');
      assert.deepEqual(await container.state(), before);
    },
  },
  'needs the id of a container': {
    spec,
    must: 'Without an id, and for one that nobody has, there is an error.',
    check: async (bench) => {
      assert.notEqual((await bench.runtime.call(['kill'])).code, 0);
      assert.notEqual((await bench.runtime.call(['kill', 'nobody', 'KILL'])).code, 0);
    },
  },
} satisfies Property;
