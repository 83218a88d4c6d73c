/**
 * Every call to the kernel can fail. Those of the engine do here, in `run`, `exec`, `stop` and `rm`, each with an errno that it may give,
 * and a sample of the calls of other processes; all of them with all errnos, in all scenarios, is `npm run test:faults`. After each:
 * the message names step, call and errno, what was asked can be asked again, nothing is left.
 */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { FaultBench } from './support/fault-bench.ts';
import { sample, tryAll } from './support/fault-run.ts';
import { scenarios } from './support/fault-scenarios.ts';
import { firstOf, needs, needsRoot } from './support/needs.ts';

/** One for each thing that users ask of a container. */
const verbs = ['start with everything', 'exec in a user namespace', 'stop', 'rm -f'];
/** Which errnos, and which calls of other processes: another seed, others. */
const seed = Number(process.env.HAKO_SEED ?? 1);

describe('a call to the kernel that fails', { skip: firstOf(needsRoot(), needs('ip')) }, () => {
  let bench: FaultBench;
  before(() => (bench = new FaultBench()));
  after(() => bench.close());

  for (const name of verbs)
    test(name, async (t) => {
      const scenario = scenarios.find((s) => s.name === name);
      assert.ok(scenario);
      const all = await bench.cases(scenario);
      const chosen = sample(all, seed, 12);
      const { tried, notMet, wrong } = await tryAll(bench, chosen, 16);
      t.diagnostic(`seed ${seed}: ${tried} of ${all.length} cases (calls × errnos) were tried; ${notMet.length} calls were not made`);
      assert.deepEqual(
        [...wrong].map(([title, what]) => [title, ...what].join('\n')),
        [],
      );
      assert.ok(tried >= chosen.length / 2, 'most of the calls were made');
    });
});
