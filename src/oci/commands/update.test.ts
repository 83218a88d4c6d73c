/** `hako-oci update` on the kernel that runs the tests. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OciRuntime, type RunningContainer } from '../../../test/support/oci-runtime.ts';
import { directoryOf } from '../../runtime/cgroup/cgroup.ts';
import { detectCgroups } from '../../runtime/cgroup/detect.ts';
import { ended, run, unable } from '../../runtime/cgroup/fixture.ts';
import { killAll } from '../../runtime/cgroup/kill.ts';
import { hierarchyOf } from '../../runtime/cgroup/layout.ts';
import { stats } from '../../runtime/cgroup/stats.ts';
import { OciError } from '../error.ts';
import { resourcesOf, type UpdateValues } from '../update-flags.ts';

const skip = unable || (['cpu', 'memory', 'pids'].find((c) => !hierarchyOf(detectCgroups(), c)) ? 'this machine lacks a controller' : false);

const sleeper = 'echo ready; exec sleep 60';

async function update(container: RunningContainer, flags: readonly string[], input = ''): Promise<{ code: number | null; stderr: string }> {
  const child = container.runtime.begin('update', ...flags, 'box');
  child.stdin!.end(input);
  return ended(child);
}

const noted = (container: RunningContainer): object => JSON.parse(readFileSync(`${container.runtime.root}/box/config.json`, 'utf8')).linux.resources;

const weightOf = ({ cgroup }: RunningContainer): string =>
  readFileSync(`${directoryOf(cgroup, 'cpu')}/${hierarchyOf(cgroup.layout, 'cpu')!.version === 1 ? 'cpu.shares' : 'cpu.weight'}`, 'utf8').trim();

test('flags change limits, and what is not named stays', { skip }, async () => {
  await using runtime = new OciRuntime();
  const container = await runtime.running(sleeper, { memory: { limit: 64 << 20 }, pids: { limit: 9 } });
  const lower = await update(container, ['--memory', '32m', '--memory-swap=32M', '--cpu-share', '512']);
  assert.deepEqual([lower.code, lower.stderr], [0, '']);
  const raise = await update(container, ['--memory=128MiB', '--memory-swap', '128m', '--pids-limit', '20']);
  assert.deepEqual([raise.code, raise.stderr], [0, '']);
  const { memory, pids } = stats(container.cgroup);
  assert.equal(memory!.limit, 128 << 20);
  assert.equal(pids!.limit, 20);
  assert.match(weightOf(container), /^(512|59)$/);
  assert.deepEqual(noted(container), { memory: { limit: 128 << 20, swap: 128 << 20 }, pids: { limit: 20 }, cpu: { shares: 512 } });
});

test('a document on standard input changes limits; devices in it are left', { skip }, async () => {
  await using runtime = new OciRuntime();
  const container = await runtime.running(sleeper, { pids: { limit: 9 } });
  const { code, stderr } = await update(container, ['-r', '-'], JSON.stringify({ pids: { limit: 5 }, devices: [{ allow: true, access: 'rwm' }], cpu: {} }));
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stats(container.cgroup).pids!.limit, 5);
  assert.deepEqual(noted(container), { pids: { limit: 5 }, cpu: {} });
});

test('Docker writes 0 for what it does not change', { skip }, async () => {
  await using runtime = new OciRuntime();
  const container = await runtime.running(sleeper, { cpu: { shares: 512 }, memory: { limit: 64 << 20 }, pids: { limit: 9 } });
  const before = weightOf(container);
  const zeros = {
    memory: { limit: 32 << 20, reservation: 0, swap: 0, kernel: 0 },
    cpu: { shares: 0, quota: 0, period: 0 },
    blockIO: { weight: 0 },
    pids: { limit: 0 },
  };
  const { code, stderr } = await update(container, ['-r', '-'], JSON.stringify(zeros));
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stats(container.cgroup).memory!.limit, 32 << 20);
  assert.equal(stats(container.cgroup).pids!.limit, 9);
  assert.equal(weightOf(container), before);
  assert.deepEqual(noted(container), { cpu: { shares: 512 }, memory: { limit: 32 << 20 }, pids: { limit: 9 }, blockIO: {} });
});

test('an update that the kernel refuses half way leaves everything as it was, and says so', { skip }, async () => {
  await using runtime = new OciRuntime();
  const container = await runtime.running(sleeper, { cpu: { shares: 512 }, pids: { limit: 9 } });
  const before = weightOf(container);
  // The processors come first, the number of threads behind them.
  const { code, stderr } = await update(container, ['--cpu-share=2048', '--pids-limit', '9999999']);
  assert.equal(code, 1);
  assert.match(stderr, /9999999 threads.*EINVAL/);
  assert.equal(weightOf(container), before);
  assert.deepEqual(noted(container), { cpu: { shares: 512 }, pids: { limit: 9 } });
});

test('what can not be is refused before anything is written', { skip }, async () => {
  await using runtime = new OciRuntime();
  const container = await runtime.running(sleeper);
  const before = weightOf(container);
  const refused: [string[], RegExp][] = [
    [['--cpu-share=2048', '--l3-cache-schema', 'L3:0=f'], /is in no group of resctrl/],
    [['--cpu-share=2048', '--memory', 'much'], /much.* is not a size/],
    [['--cpu-share=2048', '--blkio-weight', '5000'], /blockIO\.weight/],
  ];
  for (const [flags, message] of refused) {
    const { code, stderr } = await update(container, flags);
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
  const { code, stderr } = await update(container, ['--resources=-'], '{"cpu":{"shares":2048},"hugepageLimits":[{"pageSize":"3MB","limit":0}]}');
  assert.equal(code, 1);
  assert.match(stderr, /3MB/);
  assert.equal(weightOf(container), before);
  await run(killAll(container.cgroup));
  await container.end;
  assert.match((await update(container, ['--pids-limit=5'])).stderr, /container not running: box is stopped/);
});

test('flags become limits of the specification', () => {
  const of = (flags: Partial<UpdateValues>): object => resourcesOf(flags as UpdateValues);
  assert.deepEqual(of({ memory: '1.5GiB', 'memory-swap': '-1', 'cpu-quota': '-1', 'cpuset-cpus': '0-1', 'cpu-period': '' }), {
    cpu: { quota: -1, cpus: '0-1' },
    memory: { limit: 1.5 * 2 ** 30, swap: -1 },
  });
  for (const bad of ['1x', '-5', '1 kk', '', ' ', '0x10'].filter(Boolean)) assert.throws(() => of({ memory: bad }), OciError, bad);
  for (const bad of ['1.5', '1k', 'one']) assert.throws(() => of({ 'cpu-share': bad }), OciError, bad);
});
