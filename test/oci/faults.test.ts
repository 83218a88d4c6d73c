/**
 * Every call to the kernel can fail: a sample of those of `hako-oci create`, `run`, `exec` and `delete` do here; all of them with all
 * errnos is `npm run test:faults`. After each: the message names step, call and errno, and nothing is left.
 */
import assert from 'node:assert/strict';
import test, { after, before, describe } from 'node:test';
import { sample, tryAll } from '../support/fault-run.ts';
import { needsRoot } from '../support/needs.ts';
import { OciFaultBench, ociScenarios } from '../support/oci-fault-bench.ts';

/** Which errnos, and which calls: another seed, others. */
const seed = Number(process.env.HAKO_SEED ?? 1);
/** As many of each command: a case takes 50 ms, and `npm test` has to end. */
const most = 20;

describe('a call to the kernel that fails in hako-oci', { skip: needsRoot() }, () => {
  let bench: OciFaultBench;
  before(() => void (bench = new OciFaultBench()));
  after(() => bench.close());

  for (const scenario of ociScenarios)
    test(scenario.name, async (t) => {
      const all = await bench.cases(scenario);
      const few = sample(all, seed, 40);
      const chosen = few.filter((_, i) => ((i + seed) * most) % few.length < most);
      const { tried, notMet, wrong } = await tryAll(bench, chosen, chosen.length);
      t.diagnostic(`seed ${seed}: ${tried} of ${all.length} cases (calls × errnos) were tried; ${notMet.length} calls were not made`);
      assert.deepEqual(
        [...wrong].map(([title, what]) => [title, ...what].join('\n')),
        [],
      );
      assert.ok(tried >= chosen.length / 2, 'most of the calls were made');
    });
});
