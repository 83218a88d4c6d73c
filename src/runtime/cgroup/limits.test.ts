/** Limits on the kernel that runs the tests: each is shown to be in force by a process that runs into it. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { perform } from '../../kernel/perform.ts';
import type { Call, Result } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import { apply } from '../../step/apply.ts';
import { directoryIn, directoryOf, findCgroup, processes } from './cgroup.ts';
import { createCgroup } from './create.ts';
import { devices } from './devices.ts';
import { ended, firstLine, run, start, testParent, testPath, unable } from './fixture.ts';
import { killAll } from './kill.ts';
import { detectCgroups } from './detect.ts';
import { hierarchyOf } from './layout.ts';
import { limit } from './limits.ts';
import { removeCgroup } from './remove.ts';
import { oomKills, stats } from './stats.ts';
import { updateCgroup } from './update.ts';
import type { Resources } from '../spec.ts';

const layout = unable ? undefined : detectCgroups();
const without = (...controllers: string[]): string | false =>
  unable || ((controllers.find((c) => !hierarchyOf(layout!, c)) ?? false) && `this machine has no ${controllers.join(' or ')} controller`);

async function limited(t: Parameters<typeof testPath>[0], resources: Resources) {
  const cgroup = await run(createCgroup(layout!, testPath(t, layout!), resources));
  const warnings = await run(limit(cgroup, resources));
  return { cgroup, warnings };
}

test('a processor quota throttles', { skip: without('cpu') }, async (t) => {
  const { cgroup } = await limited(t, { cpu: { quota: 30_000, period: 100_000 } });
  const child = start(cgroup, 'echo ready; while :; do :; done');
  const end = ended(child);
  await firstLine(child);
  const before = stats(cgroup).cpu!.usage;
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const share = (stats(cgroup).cpu!.usage - before) / 1e6 / (performance.now() - started);
  await run(killAll(cgroup));
  assert.equal((await end).signal, 'SIGKILL');
  assert.ok(share < 0.45, `it had ${share} of a processor; 0.3 are allowed`);
  assert.ok(stats(cgroup).cpu!.throttling!.throttledPeriods > 0);
});

test('a memory limit ends the process that passes it, and the kill can be told', { skip: without('memory') }, async (t) => {
  const { cgroup } = await limited(t, { memory: { limit: 32 << 20, swap: 32 << 20 } });
  assert.equal(oomKills(cgroup), 0);
  assert.equal(stats(cgroup).memory!.limit, 32 << 20);
  const { code, signal } = await ended(start(cgroup, 'exec tail /dev/zero'));
  assert.deepEqual({ code, signal }, { code: null, signal: 'SIGKILL' });
  assert.equal(oomKills(cgroup), 1);
  const memory = stats(cgroup).memory!;
  assert.equal(memory.oomKills, 1);
  assert.ok(memory.maxUsage! > 16 << 20 && memory.maxUsage! <= 32 << 20, `it had ${memory.maxUsage} bytes`);
});

test('a limit of processes stops forks', { skip: without('pids') }, async (t) => {
  const { cgroup } = await limited(t, { pids: { limit: 3 } });
  const { code, stderr } = await ended(start(cgroup, 'for i in 1 2 3 4; do sleep 60 > /dev/null 2>&1 & done; wait'));
  assert.notEqual(code, 0);
  assert.match(stderr, /fork/);
  assert.deepEqual(stats(cgroup).pids, { current: 2, limit: 3 });
});

test('a set of processors is kept', { skip: without('cpuset') }, async (t) => {
  const { cgroup } = await limited(t, { cpu: { cpus: '1' } });
  const { stdout } = await ended(start(cgroup, 'grep Cpus_allowed_list /proc/self/status'));
  assert.match(stdout, /:\s*1$/m);
});

test('shares, reservation, block I/O ceilings and huge pages reach the kernel', { skip: without('cpu', 'memory', 'io') }, async (t) => {
  const disk = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((l) => l.split(' '))
    .find((f) => f[4] === '/')![2]!;
  const [major = 0, minor = 0] = disk.split(':').map(Number);
  const { cgroup } = await limited(t, {
    cpu: { shares: 512 },
    memory: { limit: 64 << 20, reservation: 16 << 20 },
    blockIO: { throttleReadBpsDevice: [{ major, minor, rate: 1 << 20 }], throttleWriteIOPSDevice: [{ major, minor, rate: 50 }] },
    ...(hierarchyOf(layout!, 'hugetlb') && { hugepageLimits: [{ pageSize: '2MB', limit: 4 << 20 }] }),
  });
  const read = (controller: string, v1: string, v2: string): string => {
    const directory = directoryOf(cgroup, controller)!;
    return readFileSync(`${directory}/${hierarchyOf(layout!, controller)!.version === 1 ? v1 : v2}`, 'utf8').trim();
  };
  assert.match(read('cpu', 'cpu.shares', 'cpu.weight'), /^(512|59)$/);
  assert.equal(read('memory', 'memory.soft_limit_in_bytes', 'memory.low'), String(16 << 20));
  assert.match(read('io', 'blkio.throttle.read_bps_device', 'io.max'), new RegExp(`${disk} (rbps=)?1048576`));
  assert.match(read('io', 'blkio.throttle.write_iops_device', 'io.max'), new RegExp(`${disk} (.*wiops=)?50`));
  if (hierarchyOf(layout!, 'hugetlb')) assert.equal(read('hugetlb', 'hugetlb.2MB.limit_in_bytes', 'hugetlb.2MB.max'), String(4 << 20));
});

test('memory limits of a running container go up and down, whatever the order of the files', { skip: without('memory') }, async (t) => {
  const { cgroup } = await limited(t, { memory: { limit: 64 << 20, swap: 64 << 20 } });
  for (const limitNow of [256 << 20, 32 << 20, -1, 48 << 20]) {
    const resources = { memory: { limit: limitNow, swap: limitNow } };
    assert.deepEqual((await run(updateCgroup(cgroup, resources))).warnings, []);
    assert.equal(stats(cgroup).memory!.limit, limitNow === -1 ? Infinity : limitNow);
  }
});

test('a processor ceiling goes up and down, with its period and what can be saved up', { skip: without('cpu') }, async (t) => {
  // Below one with half a processor, which it may have at no moment more than.
  const { cgroup: half } = await limited(t, { cpu: { quota: 50_000, period: 100_000 } });
  const cgroup = await run(createCgroup(layout!, `${half.path}/below`, { cpu: { quota: 1 } }));
  const v1 = hierarchyOf(layout!, 'cpu')!.version === 1;
  const read = (file: string): string => readFileSync(`${directoryOf(cgroup, 'cpu')}/${file}`, 'utf8').trim();
  const shown = (): string =>
    v1
      ? `${read('cpu.cfs_quota_us')} ${read('cpu.cfs_period_us')} ${read('cpu.cfs_burst_us')}`
      : `${read('cpu.max')} ${read('cpu.max.burst')}`.replace('max', '-1');
  for (const [quota, period, burst] of [
    [5_000, 10_000, 4_000],
    [500_000, 1_000_000, 500_000],
    [2_000, 20_000, 0],
    [-1, 100_000, 90_000],
    [10_000, 50_000, 10_000],
  ] as const) {
    await run(updateCgroup(cgroup, { cpu: { quota, period, burst } }));
    assert.equal(shown(), `${quota} ${period} ${burst}`);
  }
});

test('an update that fails half way leaves the limits as they were', { skip: without('cpu', 'memory') }, async (t) => {
  const { cgroup } = await limited(t, { cpu: { shares: 512 }, memory: { limit: 64 << 20 } });
  const weight = (): string =>
    readFileSync(`${directoryOf(cgroup, 'cpu')}/${hierarchyOf(layout!, 'cpu')!.version === 1 ? 'cpu.shares' : 'cpu.weight'}`, 'utf8');
  const before = weight();
  const update = updateCgroup(cgroup, { cpu: { shares: 2048, burst: 0 }, memory: { limit: 48 << 20, disableOOMKiller: false, reservation: -5 } });
  await assert.rejects(run(update), { step: 'cgroup.limit.memory', undoFailures: [] });
  assert.equal(weight(), before);
  assert.equal(stats(cgroup).memory!.limit, 64 << 20);
});

test('a limit that came later takes the running processes along', { skip: without('pids') }, async (t) => {
  const { cgroup } = await limited(t, {});
  const child = start(cgroup, 'echo ready; for i in 1 2; do sleep 30 & done; wait');
  const end = ended(child);
  await firstLine(child);
  const { cgroup: wider } = await run(updateCgroup(cgroup, { pids: { limit: 7 } }));
  assert.equal(stats(wider).pids!.limit, 7);
  assert.ok(stats(wider).pids!.current >= 1);
  assert.match(readFileSync(`/proc/${child.pid}/cgroup`, 'utf8'), new RegExp(`pids.*:${wider.path}$|^0::${wider.path}$`, 'm'));
  await run(killAll(wider));
  await end;
});

test('nothing is left after removal, not even after a failure half way', { skip: unable }, async (t) => {
  const path = testPath(t, layout!);
  const cgroup = await run(createCgroup(layout!, path, { cpu: { shares: 100 }, memory: { limit: 32 << 20 } }));
  assert.ok(findCgroup(layout!, path));
  await run(removeCgroup(cgroup));
  assert.equal(findCgroup(layout!, path), undefined);
  await run(removeCgroup(cgroup)); // gone already: no failure
  assert.deepEqual(stats(cgroup), {});
  assert.equal(oomKills(cgroup), 0);
  assert.deepEqual(processes(cgroup), []);
  await run(killAll(cgroup));

  const failing = (function* () {
    const made = yield* createCgroup(layout!, path, {});
    return yield* limit(made, { memory: { limit: -7 } });
  })();
  await assert.rejects(run(failing), { name: 'StepError', step: 'cgroup.limit.memory' });
  assert.equal(findCgroup(layout!, path), undefined);
});

test('whichever call fails, nothing is left: no cgroup, no descriptor', { skip: unable }, async (t) => {
  const path = testPath(t, layout!);
  const resources: Resources = { cpu: { shares: 100, cpus: '0' }, memory: { limit: 32 << 20 }, pids: { limit: 10 } };
  const whole = function* () {
    const cgroup = yield* createCgroup(layout!, path, resources);
    yield* limit(cgroup, resources);
    yield* devices(cgroup, [{ allow: false }, { allow: true, type: 'c', major: 1 }]);
    return cgroup;
  };
  await run(removeCgroup(await run(whole()))); // so that the parent and the device program are there
  const descriptors = readdirSync('/proc/self/fd').length;
  let failures = 0;
  for (let failing = 0; ; failing++) {
    let made = 0;
    const call = (c: Call, resolve: (r: Result) => number): number | Promise<number> => (made++ === failing ? -errno.ENOMEM : perform(c, resolve));
    const outcome = await apply(whole(), { kernel: { call } }).catch((error: unknown) => error);
    if (!(outcome instanceof Error)) break; // past the last call of the procedure
    failures++;
    assert.match(outcome.message, /ENOMEM/);
    assert.equal(findCgroup(layout!, path), undefined, outcome.message);
    assert.equal(readdirSync('/proc/self/fd').length, descriptors, outcome.message);
  }
  assert.ok(failures > 10, `only ${failures} calls were made to fail`);
});

test('what somebody else makes under the same path meanwhile stays theirs', { skip: unable }, async (t) => {
  const path = testPath(t, layout!);
  const theirs = directoryIn(layout!.hierarchies.at(-1)!, path);
  const before = ({ id }: { readonly id: string }): 'take' => {
    if (id === 'cgroup.create') mkdirSync(theirs);
    return 'take';
  };
  const created = apply(createCgroup(layout!, path, {}, { hierarchies: layout!.hierarchies }), { kernel: { call: perform }, before });
  await assert.rejects(created, /EEXIST/);
  assert.deepEqual(findCgroup(layout!, path)?.hierarchies, [layout!.hierarchies.at(-1)]);
});

test('a cgroup left behind is made anew, one in use is refused', { skip: unable }, async (t) => {
  const path = testPath(t, layout!);
  const resources: Resources = { memory: { limit: 32 << 20 } };
  await run(limit(await run(createCgroup(layout!, path, resources)), resources));
  const cgroup = await run(createCgroup(layout!, path, resources));
  assert.equal(stats(cgroup).memory!.limit, Infinity);
  const child = start(cgroup, 'echo ready; exec sleep 30');
  const end = ended(child);
  await firstLine(child);
  await assert.rejects(run(createCgroup(layout!, path)), new RegExp(`has processes in it \\(${child.pid}\\)`));
  await run(killAll(cgroup));
  await end;
});

test('the tests leave no cgroup', { skip: unable }, () => {
  for (const { mountPoint } of layout!.hierarchies) assert.equal(readdirSync(mountPoint).includes(testParent.slice(1)), false, mountPoint);
});
