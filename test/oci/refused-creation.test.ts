/** What ends a creation in the new process, beside calls that plainly fail: the error says why, and nothing is left. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import test from 'node:test';
import { errno } from '../../src/kernel/errno.ts';
import { StartError } from '../../src/runtime/start-error.ts';
import { CreatedBench } from '../support/created.ts';
import { FailingKernel } from '../support/failing-kernel.ts';
import { firstOf, needsController, needsRoot } from '../support/needs.ts';

test('a keyring that is refused for want of room ends the creation; one that this kernel does not have does not', { skip: needsRoot() }, async () => {
  using bench = new CreatedBench();
  const kernel = new FailingKernel();
  const create = async (number?: number): Promise<void> => {
    const point = kernel.points.find(({ by, call }) => by === 'process' && call.name === 'keyctl');
    kernel.watch(point && number ? { key: point.key, errno: number } : undefined);
    await bench.create({ kernel }, () => {});
    assert.equal(kernel.failed?.key, point?.key);
  };
  await create();
  await create(errno.ENOSYS);
  const before = readdirSync('/proc/self/fd').length;
  await assert.rejects(create(errno.EDQUOT), (error) => {
    assert.ok(error instanceof StartError);
    assert.match(error.message, /keyctl\(.*\) failed: .*\(EDQUOT\) \[step process\.keyring\]/);
    return true;
  });
  assert.ok(kernel.failed);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

test('a memory limit that is too low to start in is named', { skip: firstOf(needsRoot(), needsController('memory')) }, async () => {
  using bench = new CreatedBench();
  const resources = { memory: { limit: 4096 } };
  await assert.rejects(
    bench.create({ cgroup: true, linux: { resources } }, () => {}),
    {
      name: 'StartError',
      message: 'the process was OOM-killed before its program began: the memory limit of 4096 bytes is too low to start in',
    },
  );
});
