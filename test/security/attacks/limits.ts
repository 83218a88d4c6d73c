/** Attacks on us by way of a container's limits: where there is no room left, we go on, and say so. */
import assert from 'node:assert/strict';
import { needsController } from '../../support/needs.ts';
import { byOci, type Attack } from '../attack.ts';

/** More than there may be. */
const memory = 32 << 20;

export const limits: readonly Attack[] = [
  {
    row: 'exhaustion',
    name: 'no process more, and no memory more',
    by: byOci,
    skip: () => needsController('pids') || needsController('memory'),
    attack: async ({ name, oci }) => {
      const bench = oci!;
      const eats = ['perl', '-e', 'my $x = "x" x (200 << 20); print length $x'];
      const killed = 137;
      if (name === 'oci run') {
        const { code, stdout } = await bench.run(bench.bundle({ memory }, {}, eats));
        assert.deepEqual([code, stdout], [killed, '']);
        return;
      }
      await using held = await bench.hold({ memory, pids: 1 });
      const { code, stderr } = await held.run({}, 'sh', '-c', '/usr/bin/true; true');
      assert.notEqual(code, 0);
      assert.match(stderr, /fork|resource/i);
      await using roomy = await bench.hold({ memory });
      const outcome = await roomy.run({}, ...eats);
      assert.deepEqual([outcome.code, outcome.stdout], [killed, '']);
      assert.match(await bench.must('state', roomy.id), /"status":\s*"running"/);
    },
  },
];
