/** Stopping a container for a while. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { needsController } from '../../support/needs.ts';
import { isUnified } from '../suite/cgroups.ts';
import type { Property } from '../suite/property.ts';

const spec = 'runc(8)';
const needs = (): string | false => (isUnified() ? false : needsController('freezer'));

export default {
  'freezes all processes, and thaws them': {
    spec,
    must: 'While the container is paused none of its processes runs, and the status is paused; after resume they go on.',
    needs,
    check: async (bench) => {
      const container = await bench.start({ script: 'while true; do echo tick; sleep 0.002; done' });
      await container.said(/tick/);
      await container.must('pause');
      assert.equal((await container.state()).status, 'paused');
      const ticks = (): string => readFileSync(`/proc/${container.pid}/schedstat`, 'utf8');
      const before = ticks();
      await delay(50);
      assert.equal(ticks(), before, 'it runs on');
      await container.must('resume');
      assert.equal((await container.state()).status, 'running');
      const { length } = container.output;
      await container.said(new RegExp(`^[^]{${length}}[^]*tick`));
    },
  },
  'lets a paused container be killed and deleted': {
    spec,
    must: 'delete --force ends a paused container, too.',
    needs,
    check: async (bench) => {
      const container = await bench.start({ script: 'exec sleep 1000' });
      await container.must('pause');
      await container.must('delete', '--force');
      await container.ended();
      await bench.absent(container.bundle);
    },
  },
  'are errors where there is nothing to pause or to resume': {
    spec,
    must: 'A container that does not run is not paused, and one that is not paused is not resumed.',
    needs,
    check: async (bench) => {
      const running = await bench.start({ script: 'exec sleep 1000' });
      await running.mustFail('resume');
      const stopped = await bench.start({ script: 'true' });
      await stopped.ended();
      await stopped.mustFail('pause');
    },
  },
} satisfies Property;
