/** What is written on machines that this one is not: version 2 alone and version 1 alone, in fake trees. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Result, type Call } from '../../kernel/call.ts';
import { apply } from '../../step/apply.ts';
import { explain } from '../../step/explain.ts';
import { recorder } from '../../step/record.ts';
import type { Procedure } from '../../step/step.ts';
import type { Resources } from '../spec.ts';
import { findCgroup, type Cgroup } from './cgroup.ts';
import { createCgroup } from './create.ts';
import { devices } from './devices.ts';
import { fakeLayout, pureV1, pureV2, writeFiles } from './fixture.ts';
import { freeze } from './freeze.ts';
import { joinSteps } from './join.ts';
import type { CgroupLayout } from './layout.ts';
import { limit, unsupported } from './limits.ts';
import { cgroupMounts } from './mounts.ts';
import { oomKills, stats } from './stats.ts';

/** Runs a procedure on a recorder: its value, the directories made and the writes, as `FILE VALUE` below the tree. */
async function recorded<R>(procedure: Procedure<R>): Promise<{ value: R; done: string[] }> {
  const kernel = recorder();
  const value = await apply(procedure, { kernel });
  const short = (path: unknown): string => String(path).replace(/^.*\/sys\/fs\/cgroup\//, '');
  const pathOf = (c: Call): string => short(c.args[1]);
  const done = kernel.calls.flatMap((c) => {
    if (c.name === 'mkdirat') return [`mkdir ${pathOf(c)}`];
    const [file, bytes] = c.args;
    return c.name === 'write' && file instanceof Result ? [`${pathOf(file.of)} ${Buffer.from(bytes as Uint8Array).toString()}`] : [];
  });
  return { value, done };
}

const cgroupIn = (layout: CgroupLayout, path = '/hako/1'): Cgroup => ({ layout, path, hierarchies: layout.hierarchies });
const rootOf = (layout: CgroupLayout): string => layout.hierarchies[0]!.mountPoint.replace(/\/sys\/fs\/cgroup.*$/, '');

const all: Resources = {
  cpu: { shares: 1024, quota: 50_000, period: 100_000, burst: 1000, cpus: '0-1', mems: '0', idle: 0 },
  memory: { limit: 1000, swap: 3000, reservation: 500, swappiness: 10, disableOOMKiller: true },
  pids: { limit: 9 },
  blockIO: {
    weight: 500,
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 100 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 16, rate: 0 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 7 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 4096 }],
};

test('version 2: controllers are handed down, then one directory is made', async (t) => {
  const layout = fakeLayout(t, pureV2);
  const { value, done } = await recorded(createCgroup(layout, '/hako/1', { cpu: { cpus: '0' } }));
  assert.deepEqual(done, [
    'mkdir hako',
    'cgroup.subtree_control +cpu +io +cpuset',
    'hako/cgroup.subtree_control +cpu +io +memory +pids +cpuset',
    'mkdir hako/1',
  ]);
  assert.deepEqual(joinSteps(value), [], 'it is born there');
  assert.equal(joinSteps(value, { unified: 'write' }).length, 1);
});

test('version 2: nothing is written twice', async (t) => {
  const layout = fakeLayout(t, pureV2);
  writeFiles(rootOf(layout), { '/sys/fs/cgroup/hako/cgroup.subtree_control': 'cpuset cpu io memory pids\n' });
  const { done } = await recorded(createCgroup(layout, '/hako/1'));
  assert.deepEqual(done, ['mkdir hako/1']);
});

test('version 2: limits in its own units', async (t) => {
  const layout = fakeLayout(t, pureV2);
  writeFiles(
    rootOf(layout),
    Object.fromEntries(
      ['cpu.idle', 'cpu.max', 'cpu.max.burst', 'memory.max', 'memory.swap.max', 'io.weight', 'io.max', 'hugetlb.2MB.max'].map((f) => [
        `/sys/fs/cgroup/hako/1/${f}`,
        '',
      ]),
    ),
  );
  const { value, done } = await recorded(limit(cgroupIn(layout), { ...all, unified: { 'memory.max': '77', 'memory.high': '5' } }));
  assert.deepEqual(
    done.map((line) => line.replace('hako/1/', '')),
    [
      'cpuset.cpus 0-1',
      'cpuset.mems 0',
      'cpu.idle 0',
      'cpu.weight 100',
      'cpu.max.burst 1000',
      'cpu.max 50000 100000',
      'memory.swap.max 2000',
      'memory.max 1000',
      'memory.low 500',
      'pids.max 9',
      'io.weight 4950',
      'io.max 8:0 rbps=100 wiops=7',
      'io.max 8:16 wbps=max',
      'hugetlb.2MB.max 4096',
      'memory.max 77',
    ],
  );
  assert.deepEqual(
    value.map((w) => w.split(' will ')[0]),
    [
      'The swappiness',
      'The OOM killer stays on: cgroup v2 can not turn it off for a cgroup',
      'memory.high',
      'Block I/O weights have no effect until the cost model is enabled for a block device (io.cost.qos of the root cgroup)',
    ],
  );
});

test('version 2: what is not asked for stays', async (t) => {
  const layout = fakeLayout(t, pureV2);
  writeFiles(rootOf(layout), {
    '/sys/fs/cgroup/hako/1/cpu.max': '30000 50000\n',
    '/sys/fs/cgroup/hako/1/memory.max': '1000\n',
    '/sys/fs/cgroup/hako/1/memory.swap.max': 'max\n',
  });
  const { done } = await recorded(limit(cgroupIn(layout), { cpu: { quota: -1 }, memory: { swap: 1500 } }));
  assert.deepEqual(done, ['hako/1/cpu.max max 50000', 'hako/1/memory.swap.max 500']);
  assert.deepEqual((await recorded(limit(cgroupIn(layout), { cpu: {}, memory: {}, pids: { limit: 0 } }))).done, []);
  await assert.rejects(recorded(limit(cgroupIn(layout), { memory: { limit: 1000, swap: 500 } })), /less than that of memory/);
  await assert.rejects(recorded(limit(cgroupIn(layout), { unified: { '../../memory.max': '1' } })), /not a resource file/);
});

test('version 1: limits, memory before the total when both go down', async (t) => {
  const layout = fakeLayout(t, pureV1);
  const files = [
    'cpu,cpuacct/hako/1/cpu.idle',
    'cpu,cpuacct/hako/1/cpu.cfs_quota_us',
    'cpu,cpuacct/hako/1/cpu.cfs_burst_us',
    'memory/hako/1/memory.swappiness',
    'memory/hako/1/memory.memsw.limit_in_bytes',
    'blkio/hako/1/blkio.weight',
    'blkio/hako/1/blkio.throttle.read_bps_device',
  ];
  writeFiles(rootOf(layout), Object.fromEntries(files.map((f) => [`/sys/fs/cgroup/${f}`, '9223372036854771712\n'])));
  const { value, done } = await recorded(limit(cgroupIn(layout), all));
  assert.deepEqual(
    done.map((line) => line.replace('/hako/1', '')),
    [
      'cpuset/cpuset.cpus 0-1',
      'cpuset/cpuset.mems 0',
      'cpu,cpuacct/cpu.idle 0',
      'cpu,cpuacct/cpu.shares 1024',
      'cpu,cpuacct/cpu.cfs_burst_us 1000',
      'cpu,cpuacct/cpu.cfs_period_us 100000',
      'cpu,cpuacct/cpu.cfs_quota_us 50000',
      'memory/memory.limit_in_bytes 1000',
      'memory/memory.memsw.limit_in_bytes 3000',
      'memory/memory.soft_limit_in_bytes 500',
      'memory/memory.swappiness 10',
      'memory/memory.oom_control 1',
      'pids/pids.max 9',
      'blkio/blkio.weight 500',
      'blkio/blkio.throttle.read_bps_device 8:0 100',
      'blkio/blkio.throttle.write_bps_device 8:16 0',
      'blkio/blkio.throttle.write_iops_device 8:0 7',
    ],
  );
  assert.deepEqual(
    value.map((w) => w.split(' will ')[0]),
    ['The limit of 2MB pages'],
  );

  writeFiles(rootOf(layout), { '/sys/fs/cgroup/memory/hako/1/memory.memsw.limit_in_bytes': '3000\n' });
  const up = await recorded(limit(cgroupIn(layout), { memory: { limit: 5000, swap: 6000 } }));
  await assert.rejects(recorded(limit(cgroupIn(layout), { memory: { limit: 4000 } })), /raise that too/);
  await assert.rejects(recorded(limit(cgroupIn(layout), { memory: { limit: 4000, swap: 3500 } })), /less than that of memory/);
  assert.deepEqual(
    up.done,
    ['memory/hako/1/memory.memsw.limit_in_bytes 6000', 'memory/hako/1/memory.limit_in_bytes 5000'],
    'the total before memory when both go up',
  );
});

test('a limit that the machine can not give is told before anything is made', (t) => {
  const layout = fakeLayout(t, pureV1);
  writeFiles(rootOf(layout), { '/sys/fs/cgroup/memory/other/memory.limit_in_bytes': '', '/sys/fs/cgroup/blkio/other/blkio.reset_stats': '' });
  const warnings = unsupported(layout, { memory: { limit: 1, swap: 2 }, blockIO: { weight: 10 }, unified: { 'memory.high': '1' } });
  assert.deepEqual(
    warnings.map((w) => w.split(' will ')[0]),
    ['The swap limit', 'Block I/O weights', 'memory.high'],
  );
  assert.match(warnings[0]!, /swapaccount=1/);
  assert.deepEqual(unsupported(layout, { memory: { limit: 1 } }), []);

  const bare = fakeLayout(t, { ...pureV2, files: { '/sys/fs/cgroup/cgroup.controllers': 'cpu\n' } });
  const many = unsupported(bare, { memory: { limit: 1 }, pids: { limit: 1 }, devices: [{ allow: false }] });
  assert.deepEqual(
    many.map((w) => w.split(' will ')[0]),
    ['Memory limits', 'The limit of processes', 'Device rules'],
  );
});

test('version 1: device rules as a list', async (t) => {
  const cgroup = cgroupIn(fakeLayout(t, pureV1));
  const { value, done } = await recorded(
    devices(cgroup, [
      { allow: false },
      { allow: true, type: 'c', major: 1, minor: 3, access: 'rw' },
      { allow: true, type: 'b', access: 'm' },
      { allow: true, type: 'a', major: 9 },
      { allow: false, type: 'b', major: 8, access: 'm' },
    ]),
  );
  assert.deepEqual(
    done.map((line) => line.replace('devices/hako/1/devices.', '')),
    ['deny a', 'deny a', 'allow c 1:3 rw', 'allow b *:* m', 'allow b 9:* rwm', 'allow c 9:* rwm', 'deny b 8:* m'],
  );
  assert.deepEqual(
    value.map((w) => w.split(' will ')[0]),
    ['The denial of device b 8:* m'],
  );
  await assert.rejects(recorded(devices(cgroup, [{ allow: true, type: 'c', access: 'rx' }])), /"rx" is not a device access/);
});

test('a cgroup path can not leave its hierarchy', (t) => {
  const layout = fakeLayout(t, pureV2);
  for (const path of ['', '/', 'hako', '/hako/../x', '/hako//x', '/hako/.', '/hako/']) assert.throws(() => findCgroup(layout, path), /not a cgroup path/, path);
});

test('version 2: figures', (t) => {
  const layout = fakeLayout(t, pureV2);
  const files = {
    'cpu.stat': 'usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 3\nthrottled_usec 2\n',
    'memory.current': '4096\n',
    'memory.max': 'max\n',
    'memory.peak': '8192\n',
    'memory.swap.current': '10\n',
    'memory.stat': 'anon 1\ninactive_file 2\n',
    'memory.events': 'low 0\nhigh 0\nmax 6\noom 2\noom_kill 1\noom_group_kill 0\n',
    'pids.current': '2\n',
    'pids.max': 'max\n',
    'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n',
    'cpu.pressure': 'some avg10=1.50 avg60=0.00 avg300=0.00 total=9\n',
  };
  writeFiles(rootOf(layout), Object.fromEntries(Object.entries(files).map(([f, text]) => [`/sys/fs/cgroup/hako/1/${f}`, text])));
  const cgroup = findCgroup(layout, '/hako/1')!;
  assert.deepEqual(stats(cgroup), {
    cpu: { usage: 30_000, user: 20_000, system: 10_000, throttling: { periods: 4, throttledPeriods: 3, throttledTime: 2000 } },
    memory: {
      usage: 4096,
      limit: Infinity,
      maxUsage: 8192,
      usageWithSwap: 4106,
      failures: 6,
      oomKills: 1,
      inactiveFile: 2,
      stat: { anon: 1, inactive_file: 2 },
    },
    pids: { current: 2, limit: Infinity },
    io: [{ major: 8, minor: 0, readBytes: 1, writtenBytes: 2, reads: 3, writes: 4 }],
    pressure: { cpu: { some: { avg10: 1.5, avg60: 0, avg300: 0, total: 9 } } },
  });
  assert.equal(oomKills(cgroup), 1);
});

test('what a container sees', (t) => {
  const v2 = cgroupMounts(cgroupIn(fakeLayout(t, pureV2)));
  assert.deepEqual(v2, {
    mounts: [{ destination: '/sys/fs/cgroup', type: 'cgroup2', source: 'cgroup', options: ['ro', 'nosuid', 'nodev', 'noexec', 'relatime'] }],
    links: [],
  });
  const layout = fakeLayout(t, pureV1);
  const used = layout.hierarchies.filter((h) => ['cpu', 'memory'].includes(h.controllers[0] ?? '') || h.name);
  const v1 = cgroupMounts({ layout, path: '/hako/1', hierarchies: used });
  assert.deepEqual(
    v1.mounts.map((m) => `${m.destination} ${m.options.slice(5).join(',')}`),
    ['/sys/fs/cgroup ', '/sys/fs/cgroup/systemd none,name=systemd', '/sys/fs/cgroup/cpu,cpuacct cpu,cpuacct', '/sys/fs/cgroup/memory memory'],
  );
  assert.ok(v1.mounts.slice(1).every((m) => m.options[0] === 'ro'));
  assert.deepEqual(v1.links, [
    { path: '/sys/fs/cgroup/cpu', target: 'cpu,cpuacct' },
    { path: '/sys/fs/cgroup/cpuacct', target: 'cpu,cpuacct' },
  ]);
  assert.equal(v1.thenReadOnly, '/sys/fs/cgroup');
});

test('everything can be explained without touching the kernel', (t) => {
  const layout = fakeLayout(t, pureV2, true);
  const told = explain(
    (function* () {
      const cgroup = yield* createCgroup(layout, '/hako/1', { memory: { limit: 4096 } });
      yield* limit(cgroup, { memory: { limit: 4096 } });
      yield* devices(cgroup, [{ allow: false }, { allow: true, type: 'c', major: 1, minor: 3 }]);
      yield* freeze(cgroup);
    })(),
  );
  const short = (text: string): string => text.replaceAll(/[^"\s>]*\/sys\/fs\/cgroup/g, '/sys/fs/cgroup');
  assert.deepEqual(
    told.map((e) => e.id),
    [
      'cgroup.parent',
      'cgroup.enable',
      'cgroup.enable',
      'cgroup.create',
      'cgroup.limit.memory',
      'cgroup.devices.load',
      'cgroup.devices.open',
      'cgroup.devices',
      'cgroup.freeze',
      'cgroup.freeze.wait',
    ],
  );
  assert.equal(short(told[4]!.shell), 'echo 4096 >/sys/fs/cgroup/hako/1/memory.max');
  assert.deepEqual(told[4]!.calls.map(short), ['fd = openat(AT_FDCWD, "/sys/fs/cgroup/hako/1/memory.max", O_WRONLY|O_CLOEXEC, 0)', 'write(fd, "4096", 4)']);
  assert.deepEqual(told[7]!.calls, [
    'bpf(BPF_PROG_ATTACH, {target_fd=$cgroup, attach_bpf_fd=$program, attach_type=BPF_CGROUP_DEVICE, attach_flags=BPF_F_ALLOW_MULTI}, 20)',
  ]);
  assert.deepEqual(told[3]!.undo.map(short), ['unlinkat(AT_FDCWD, "/sys/fs/cgroup/hako/1", AT_REMOVEDIR)']);
});
