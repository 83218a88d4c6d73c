/** The file in which callers read the process id. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { procStatus } from '../suite/proc.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runc(8)';

export default {
  'of create has the container’s process': {
    spec,
    must: '--pid-file gets the process id, as a number and nothing else.',
    check: async (bench) => {
      const container = await bench.create({});
      const text = readFileSync(join(container.bundle.directory, 'pid'), 'utf8');
      assert.match(text, /^\d+$/);
      assert.equal(Number(text), (await container.state()).pid);
    },
  },
  'of exec has the new process': {
    spec,
    must: '--pid-file of exec gets the id of the new process on the host.',
    check: async (bench) => {
      const container = await bench.start({ script: 'exec sleep 1000' });
      const file = join(bench.directory, 'exec-pid');
      const call = bench.runtime.begin(['exec', '--detach', '--pid-file', file, container.id, 'sleep', '999']);
      assert.equal(await call.exited, 0, call.stderr);
      const pid = Number(readFileSync(file, 'utf8'));
      assert.equal(procStatus(pid, 'NSpid')?.split(' ').length, 2);
      assert.equal(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), 'sleep\u0000999\u0000');
    },
  },
} satisfies Property;
