/** `hako-oci events` on the kernel that runs the tests, and the figures of machines that this one is not. */
import assert from 'node:assert/strict';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { OciRuntime } from '../../../test/support/oci-runtime.ts';
import { ended, fakeLayout, pureV2, run, start, unable, writeFiles } from '../../runtime/cgroup/fixture.ts';
import { detectCgroups } from '../../runtime/cgroup/detect.ts';
import { killAll } from '../../runtime/cgroup/kill.ts';
import { hierarchyOf } from '../../runtime/cgroup/layout.ts';
import { formatJson } from '../config/json.ts';
import { figures } from './figures.ts';

const noMemory = unable || (!hierarchyOf(detectCgroups(), 'memory') && 'this machine has no memory controller');

test('one line of figures has what runc has in it', { skip: noMemory }, async () => {
  await using runtime = new OciRuntime();
  await runtime.running('echo ready; exec sleep 60', { memory: { limit: 64 << 20 }, pids: { limit: 7 } });
  const { code, stdout, stderr } = await ended(runtime.begin('events', '--stats', 'box'));
  assert.deepEqual([code, stderr], [0, '']);
  const event = JSON.parse(stdout);
  assert.equal(stdout.trim().split('\n').length, 1);
  assert.deepEqual([event.type, event.id], ['stats', 'box']);
  const { cpu, cpuset, memory, pids } = event.data;
  assert.deepEqual(Object.keys(event.data), ['cpu', 'cpuset', 'memory', 'pids', 'blkio', 'hugetlb', 'intel_rdt', 'network_interfaces']);
  assert.ok(cpu.usage.total > 0);
  assert.ok(cpuset.cpus.length > 0);
  assert.equal(memory.usage.limit, 64 << 20);
  assert.ok(memory.usage.usage > 0 && Object.keys(memory.raw).length > 10);
  assert.deepEqual(pids, { current: 1, limit: 7 });
});

test('lines come until the container ends, and running out of memory is one of them', { skip: noMemory }, async () => {
  await using runtime = new OciRuntime();
  const container = await runtime.running('echo ready; exec sleep 60', { memory: { limit: 32 << 20, swap: 32 << 20 } });
  const events = runtime.begin('events', '--interval', '20ms', 'box');
  const end = ended(events);
  const seen: string[] = [];
  const sawOom = new Promise<void>((resolve) => {
    createInterface({ input: events.stdout! }).on('line', (line) => {
      const { type } = JSON.parse(line) as { type: string };
      if (seen.at(-1) !== type) seen.push(type);
      if (type === 'stats' && seen.length === 1) void ended(start(container.cgroup, 'exec tail /dev/zero'));
      if (type === 'oom') resolve();
    });
  });
  await sawOom;
  assert.deepEqual(seen.slice(0, 2), ['stats', 'oom']);
  await run(killAll(container.cgroup));
  assert.equal((await end).code, 0);
  assert.match((await ended(runtime.begin('events', '--stats', 'box'))).stderr, /container with id box is not running/);
});

test('an interval that is none is refused', { skip: noMemory }, async () => {
  await using runtime = new OciRuntime();
  await runtime.running('echo ready; exec sleep 60');
  for (const interval of ['0s', '5', 'soon', '-1s']) {
    const { code, stderr } = await ended(runtime.begin('events', `--interval=${interval}`, 'box'));
    assert.equal(code, 1, interval);
    assert.match(stderr, /interval/);
  }
});

test('version 2 has the same figures, as far as it counts them', (t) => {
  const layout = fakeLayout(t, pureV2);
  const files = {
    'cpu.stat': 'usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 4\nnr_throttled 3\nthrottled_usec 2\n',
    'cpu.pressure': 'some avg10=1.50 avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
    'cpuset.cpus.effective': '0-1,3\n',
    'memory.current': '4096\n',
    'memory.max': 'max\n',
    'memory.peak': '8192\n',
    'memory.swap.current': '10\n',
    'memory.swap.max': '0\n',
    'memory.stat': 'anon 1\nfile 2\nkernel 3\n',
    'memory.events': 'low 0\nhigh 0\nmax 6\noom 2\noom_kill 1\n',
    'pids.current': '2\n',
    'pids.max': 'max\n',
    'io.stat': '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n',
  };
  writeFiles(layout.unified!.mountPoint, Object.fromEntries(Object.entries(files).map(([f, text]) => [`box/${f}`, text])));
  const found = JSON.parse(formatJson(figures({ path: '/box', hierarchies: layout.hierarchies })));
  assert.deepEqual(found.cpu, {
    usage: { total: 30_000, kernel: 10_000, user: 20_000 },
    throttling: { periods: 4, throttledPeriods: 3, throttledTime: 2000 },
    psi: { some: { avg10: 1.5, avg60: 0, avg300: 0, total: 9 }, full: { avg10: 0, avg60: 0, avg300: 0, total: 0 } },
  });
  assert.deepEqual(found.cpuset.cpus, [0, 1, 3]);
  assert.match(
    formatJson(figures({ path: '/box', hierarchies: layout.hierarchies })),
    /"usage":\{"limit":18446744073709551615,"usage":4096,"max":8192,"failcnt":6\}/,
  );
  assert.deepEqual(found.memory.raw, { anon: 1, file: 2, kernel: 3 });
  assert.deepEqual(found.pids, { current: 2 });
  assert.deepEqual(found.blkio.ioServiceBytesRecursive, [
    { major: 8, value: 1, op: 'Read' },
    { major: 8, value: 2, op: 'Write' },
    { major: 8, op: 'Discard' },
  ]);
  assert.deepEqual(found.hugetlb, Object.fromEntries(Object.keys(found.hugetlb).map((size) => [size, { failcnt: 0 }])));
});
