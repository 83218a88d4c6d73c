import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hierarchiesFor } from './cgroup.ts';
import { fakeLayout, pureV1, pureV2, unable } from './fixture.ts';
import { detectCgroups } from './detect.ts';
import { hierarchyOf, titleOf } from './layout.ts';

test('a machine with version 2 alone', (t) => {
  const layout = fakeLayout(t, pureV2, true);
  assert.equal(layout.mode, 'v2');
  assert.equal(layout.hierarchies.length, 1);
  assert.equal(layout.unified, layout.hierarchies[0]);
  assert.equal(hierarchyOf(layout, 'io'), layout.unified);
  assert.equal(hierarchyOf(layout, 'freezer'), undefined);
  assert.equal(layout.unified?.own, '/system.slice/hakod.service');
  assert.deepEqual(layout.delegated?.controllers, ['cpu', 'memory', 'pids']);
  assert.equal(layout.deviceFilter, 'bpf');
});

test('a machine with version 1 alone, controllers co-mounted', (t) => {
  const layout = fakeLayout(t, pureV1);
  assert.equal(layout.mode, 'v1');
  assert.equal(layout.unified, undefined);
  assert.equal(hierarchyOf(layout, 'cpu'), hierarchyOf(layout, 'cpuacct'));
  assert.match(hierarchyOf(layout, 'cpu')!.mountPoint, /\/sys\/fs\/cgroup\/cpu,cpuacct$/, 'the first mount, not the bind mount of a part');
  assert.equal(hierarchyOf(layout, 'io')?.mountPoint.endsWith('/blkio'), true, 'io is called blkio there');
  assert.equal(hierarchyOf(layout, 'systemd')?.own, '/system.slice/hakod.service');
  assert.equal(layout.deviceFilter, 'list');
});

test('a hybrid machine: each controller in its own tree, the rest in the unified one', (t) => {
  const hybrid = {
    ...pureV1,
    mountinfo: `${pureV1.mountinfo}41 25 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`,
    files: { ...pureV1.files, '/sys/fs/cgroup/unified/cgroup.controllers': 'hugetlb\n' },
  };
  const layout = fakeLayout(t, hybrid);
  assert.equal(layout.mode, 'hybrid');
  assert.equal(hierarchyOf(layout, 'hugetlb'), layout.unified);
  assert.equal(hierarchyOf(layout, 'memory')?.version, 1);
});

test('a machine without cgroups is refused with what to do', () => {
  assert.throws(() => detectCgroups({ mountinfo: '', ownCgroups: '', bpf: false }), /mount -t cgroup2/);
});

test('only hierarchies with a purpose are used', (t) => {
  const v1 = fakeLayout(t, pureV1);
  const titles = (...args: Parameters<typeof hierarchiesFor>): string[] =>
    hierarchiesFor(...args)
      .map(titleOf)
      .toSorted();
  assert.deepEqual(
    titles(v1),
    ['blkio', 'cpu,cpuacct', 'devices', 'freezer', 'memory', 'pids', 'systemd'],
    'all that hold figures, pause and devices; the service manager’s',
  );
  assert.deepEqual(titles(v1, { memory: { limit: 1 } }).includes('cpuset'), true, 'the JVM looks for limits only where cpuset is mounted too');
  assert.deepEqual(titles(fakeLayout(t, pureV2, true), { memory: { limit: 1 } }), ['unified']);
});

test('this machine', { skip: unable }, () => {
  const layout = detectCgroups();
  assert.ok(hierarchyOf(layout, 'memory'));
  assert.ok(layout.delegated || !layout.unified, 'root may write to its own cgroup');
});
