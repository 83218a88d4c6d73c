/** The processes of a container, as they are listed. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { processesOf } from '../suite/cgroups.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runc(8)';

export default {
  'are given as a list of numbers': {
    spec,
    must: '--format json prints the ids of all processes of the container on the host.',
    check: async (bench) => {
      const container = await bench.start({ script: 'sleep 999 & echo up; exec sleep 1000' });
      await container.said(/up/);
      const pids = JSON.parse(await container.must('ps', '--format=json')) as number[];
      assert.deepEqual(
        pids.toSorted((a, b) => a - b),
        processesOf(container.bundle.cgroupsPath).toSorted((a, b) => a - b),
      );
      assert.equal(pids.length, 2);
      assert.ok(pids.includes(container.pid));
    },
  },
  'are given as a table': {
    spec,
    must: 'Without --format, ps(1) prints them.',
    needs: () => (existsSync('/usr/bin/ps') || existsSync('/bin/ps') ? false : 'Debian package missing: procps'),
    check: async (bench) => {
      const container = await bench.start({ script: 'exec sleep 1000' });
      const lines = (await container.must('ps')).split('\n');
      assert.match(lines[0]!, /PID/);
      assert.deepEqual(
        lines.slice(1).map((line) => line.includes(String(container.pid))),
        [true],
      );
    },
  },
  'of no container are an error': {
    spec,
    must: 'The container must exist.',
    check: async (bench) => {
      assert.notEqual((await bench.runtime.call(['ps', 'nobody'])).code, 0);
    },
  },
} satisfies Property;
