import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { awaitChange } from '../../kernel/cgroupfs.ts';
import { directoryIn, findCgroup } from '../../runtime/cgroup/cgroup.ts';
import { ended, fakeLayout, firstLine, pureV1, pureV2, start, testPath, unable, writeFiles } from '../../runtime/cgroup/fixture.ts';
import { isFrozen } from '../../runtime/cgroup/freeze.ts';
import { detectCgroups } from '../../runtime/cgroup/detect.ts';
import { hierarchyOf, type CgroupLayout } from '../../runtime/cgroup/layout.ts';
import { apply } from '../../step/apply.ts';
import { recorder } from '../../step/record.ts';
import { applied, explained } from '../interpret.ts';
import { make, set, type Limits } from './make.ts';
import { cgroupPath, refuseOthers } from './name.ts';
import { freezeNamed, killNamed, move, remove, run, thawNamed } from './run.ts';
import { list, view, type Figure } from './show.ts';
import { between, sample, sorted, type Row } from './top.ts';

const layout = unable ? undefined : detectCgroups({ bpf: false });
const none: Limits = { resources: {}, files: [] };
const noCpu = unable || (hierarchyOf(layout!, 'cpu') ? false : 'this machine has no cpu controller');

async function made(t: TestContext, limits = none): Promise<string> {
  const path = testPath(t, layout!);
  await applied(make(layout!, path, limits));
  return path;
}

const figures = (l: CgroupLayout, path: string): Record<string, Figure> =>
  Object.fromEntries(view(findCgroup(l, path)!).controllers.flatMap((c) => c.figures.map((f) => [f.key === undefined ? f.file : `${f.file} ${f.key}`, f])));

test('names are paths below the root; the machine’s own are refused', { skip: unable }, () => {
  assert.equal(cgroupPath('demo'), '/demo');
  assert.equal(cgroupPath('/demo/a/'), '/demo/a');
  for (const bad of ['', '/', '../x', 'a//b', 'a/./b']) assert.throws(() => cgroupPath(bad), /is (not a cgroup path|the root)/);
  for (const others of ['/system.slice/x', '/docker/1', '/init.scope']) assert.throws(() => refuseOthers(layout!, others), /kept by/);
  refuseOthers(layout!, '/demo');
  const own = layout!.hierarchies.find((h) => h.own !== '/')?.own;
  if (own) assert.throws(() => refuseOthers(layout!, own), /machine's own/);
});

test('a cgroup is made in every hierarchy, with limits by flags and by files, shown with their meaning, and removed', { skip: noCpu }, async (t) => {
  const path = await made(t, { resources: { cpu: { quota: 30_000, period: 100_000 }, memory: { limit: 64 << 20 }, pids: { limit: 7 } }, files: [] });
  for (const h of layout!.hierarchies.filter((each) => each.controllers.length > 0)) assert.ok(existsSync(directoryIn(h, path)), h.mountPoint);
  const v1 = hierarchyOf(layout!, 'cpu')!.version === 1;
  const shown = figures(layout!, path);
  assert.match(shown[v1 ? 'cpu.cfs_quota_us' : 'cpu.max']!.meaning, /at most 30 ms in each 100 ms: 0.3 processors/);
  assert.match(shown[hierarchyOf(layout!, 'memory')!.version === 1 ? 'memory.limit_in_bytes' : 'memory.max']!.meaning, /^64 MiB: /);
  assert.equal(shown['pids.max']!.value, '7');

  const [file, value] = v1 ? ['cpu.shares', '512'] : ['cpu.weight', '50'];
  await applied(set(layout!, path, { resources: { pids: { limit: 9 } }, files: [{ file: file, value }] }));
  assert.equal(figures(layout!, path)[file]!.value, value);
  assert.equal(figures(layout!, path)['pids.max']!.value, '9');
  await assert.rejects(applied(set(layout!, path, { resources: {}, files: [{ file: file, value: 'x' }] })), /EINVAL/);
  assert.equal(figures(layout!, path)[file]!.value, value, 'what was refused changed nothing');
  await assert.rejects(applied(set(layout!, path, { resources: {}, files: [{ file: 'cpu.nonsense', value: '1' }] })), /no file cpu.nonsense .* it has .*cpu/);
  await assert.rejects(applied(set(layout!, path, { resources: {}, files: [{ file: 'x/../y', value: '1' }] })), /is not a cgroup file/);
  await assert.rejects(applied(make(layout!, path, none)), /is there already/);
  assert.ok(list(layout!).some((each) => each.path === path));
  await applied(remove(layout!, path, false));
  assert.equal(findCgroup(layout!, path), undefined);
});

test('processes are moved in and out, frozen, killed; a cgroup with processes is not removed unless forced', { skip: unable }, async (t) => {
  const path = await made(t);
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const end = ended(child);
  const where = (): string => readFileSync(`/proc/${child.pid}/cgroup`, 'utf8');
  const before = where();
  await applied(move(layout!, path, [child.pid!]));
  assert.deepEqual(view(findCgroup(layout!, path)!).processes, [{ pid: child.pid, command: 'sleep' }]);
  for (const line of where().trim().split('\n')) if (!/name=/.test(line)) assert.ok(line.endsWith(`:${path}`), line);
  await assert.rejects(applied(move(layout!, path, [child.pid!, 4_000_000])), /there is no process 4000000/);
  await assert.rejects(applied(remove(layout!, path, false)), new RegExp(`has processes in it: ${child.pid} \\(sleep\\)`));

  await applied(freezeNamed(layout!, path));
  assert.equal(isFrozen(findCgroup(layout!, path)!), true);
  await applied(thawNamed(layout!, path));
  assert.equal(isFrozen(findCgroup(layout!, path)!), false);

  await applied(move(layout!, '/', [child.pid!]));
  assert.equal(view(findCgroup(layout!, path)!).processes.length, 0);
  await applied(move(layout!, path, [child.pid!]));
  assert.equal(await applied(killNamed(layout!, path)), 1);
  assert.equal((await end).signal, 'SIGKILL');
  assert.notEqual(before, undefined);

  await applied(make(layout!, `${path}/below`, none));
  await assert.rejects(applied(remove(layout!, path, false)), /has others below it/);
  const inside = start(findCgroup(layout!, `${path}/below`)!, 'echo in; exec sleep 1000');
  const over = ended(inside);
  await firstLine(inside);
  // What the freezer of version 1 has frozen beside a version 2 tree does not die before it is thawed.
  const freezer = hierarchyOf(layout!, 'freezer');
  if (freezer?.version === 1) await applied(set(layout!, `${path}/below`, { resources: {}, files: [{ file: 'freezer.state', value: 'FROZEN' }] }));
  await applied(remove(layout!, path, true));
  assert.equal(findCgroup(layout!, path), undefined);
  assert.equal((await over).signal, 'SIGKILL');
});

/** The machine as if it had no v2 tree: its own v1 hierarchies are used for everything. */
function v1Only(): CgroupLayout {
  const { unified: _, delegated: __, ...rest } = layout!;
  return { ...rest, mode: 'v1', hierarchies: rest.hierarchies.filter((h) => h.version === 1) };
}

for (const [form, choose] of [
  ['as this machine has them', (): CgroupLayout => layout!],
  ['of version 1 alone', v1Only],
] as const) {
  const skip = unable || (choose().hierarchies.some((h) => h.controllers.includes('pids')) ? false : 'no pids controller there');

  test(`a program is run in cgroups ${form}: it is in all of them from its first instruction`, { skip }, async (t) => {
    const path = testPath(t, layout!);
    const expected = choose().hierarchies.filter((h) => h.controllers.length > 0 || h.version === 2).length;
    const count = `test $(grep -c ':${path}$' /proc/self/cgroup) = ${expected} && test $(cat ${hierarchyOf(choose(), 'pids')!.mountPoint}${path}/pids.max) = 9`;
    const plan = { args: ['sh', '-c', count], env: ['PATH=/usr/bin:/bin'] };
    assert.equal(await applied(run(choose(), path, { ...plan, make: { resources: { pids: { limit: 9 } }, files: [] } })), 0);
    assert.equal(findCgroup(layout!, path), undefined, 'it is removed with what was made for the run');
    await assert.rejects(applied(run(choose(), path, plan)), /there is no cgroup/);
    await assert.rejects(applied(run(choose(), path, { args: ['no-such-program'], env: [], make: none })), /not found in \$PATH/);
    assert.equal(findCgroup(layout!, path), undefined, 'also where there was no such program');
  });
}

test('what is explained is not done', { skip: unable }, (t) => {
  const path = testPath(t, layout!);
  const ids = explained(make(layout!, path, { resources: { pids: { limit: 3 } }, files: [{ file: 'pids.max', value: '4' }] })).map(({ id }) => id);
  assert.ok(ids.includes('cgroup.create') && ids.includes('cgroup.limit.pids') && ids.at(-1) === 'cgroup.write', ids.join());
  assert.equal(findCgroup(layout!, path), undefined);
});

test('top: a loop at 30 % of a processor is seen to be throttled, with its ceiling, its waiting and its name', { skip: noCpu }, async (t) => {
  const path = await made(t, { resources: { cpu: { quota: 30_000, period: 100_000 }, pids: { limit: 5 } }, files: [] });
  const child = start(findCgroup(layout!, path)!, 'echo ready; while :; do :; done');
  await firstLine(child);
  const before = sample(layout!, [path]);
  const stopped = (): boolean =>
    (before.cgroups.get(path)!.cpu!.throttling!.throttledPeriods ?? 0) + 1 <
    (sample(layout!, [path]).cgroups.get(path)!.cpu!.throttling?.throttledPeriods ?? 0);
  assert.ok(await awaitChange(undefined, stopped, 20_000), 'it was never throttled');
  const { rows, machine } = between(before, sample(layout!, [path]), new Map([[path.split('/').at(-1)!, 'loop']]));
  const [row] = rows;
  assert.equal(rows.length, 1);
  assert.equal(row!.container, 'loop');
  assert.equal(row!.cpuCeiling, 30);
  assert.equal(row!.pidsLimit, 5);
  assert.ok(row!.cpu! > 0 && row!.throttled! > 0 && row!.throttledTime! > 0, JSON.stringify(row));
  assert.ok(machine.processors > 0 && machine.cpu >= 0);
  if (layout!.unified && existsSync('/proc/pressure/cpu')) assert.ok(row!.pressure!.cpu! > 0, 'it waits for a processor while it is throttled');
  await applied(remove(layout!, path, true));
  await applied(make(layout!, path, none));
  const anew = between(before, sample(layout!, [path]), new Map()).rows.map(({ cpu, read }) => [cpu, read]);
  assert.deepEqual(anew, [[undefined, undefined]], 'another cgroup of the same name has no rates yet');
});

test('rows are sorted by what is asked, and stay where they are while nothing changes', () => {
  const rows: Row[] = [
    { path: '/b', frozen: false, cpu: 5, memory: 1, pressure: { io: 9 } },
    { path: '/a', frozen: false, cpu: 5.01, memory: 3 },
    { path: '/c', frozen: false, cpu: 90, oomKills: 2 },
  ];
  const order = (by: Parameters<typeof sorted>[1]): string =>
    sorted(rows, by)
      .map(({ path }) => path[1])
      .join('');
  assert.deepEqual([order('cpu'), order('memory'), order('oom'), order('pressure'), order('name')], ['cab', 'abc', 'cab', 'bac', 'abc']);
});

test('version 2 alone: made once, raw files of handed-down controllers, figures with their meaning', async (t) => {
  const fake = fakeLayout(t, pureV2);
  const kernel = recorder();
  const { warnings } = await apply(
    make(fake, 'demo', { resources: { cpu: { quota: 30_000, period: 100_000 } }, files: [{ file: 'memory.high', value: '1M' }] }),
    { kernel },
  );
  assert.deepEqual(warnings, []);
  const lines = kernel.lines.map((line) => line.replace(fake.hierarchies[0]!.mountPoint, ''));
  assert.ok(lines.includes('mkdirat(AT_FDCWD, "/demo", 0755)'), lines.join('\n'));
  assert.ok(lines.some((line) => line.includes('"30000 100000"')) && lines.some((line) => line.includes('"/demo/memory.high"')));
  await assert.rejects(async () => apply(make(fake, 'demo', none, ['freezer']), { kernel }), /no freezer cgroup controller; it has cpuset, cpu, io/);

  const root = fake.hierarchies[0]!.mountPoint.replace('/sys/fs/cgroup', '');
  writeFiles(root, {
    '/sys/fs/cgroup/demo/cgroup.controllers': 'cpu memory\n',
    '/sys/fs/cgroup/demo/cgroup.procs': '',
    '/sys/fs/cgroup/demo/cpu.max': '30000 100000\n',
    '/sys/fs/cgroup/demo/cpu.stat': 'usage_usec 1500000\nnr_periods 10\nnr_throttled 9\nthrottled_usec 2000\n',
    '/sys/fs/cgroup/demo/memory.max': 'max\n',
    '/sys/fs/cgroup/demo/memory.events': 'low 0\nmax 3\noom_kill 1\n',
    '/sys/fs/cgroup/demo/cpu.pressure': 'some avg10=12.50 avg60=1.00 avg300=0.10 total=5\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n',
  });
  writeFiles(root, { '/sys/fs/cgroup/inner/cgroup.subtree_control': 'cpu memory\n' });
  await assert.rejects(apply(move(fake, 'inner', [process.pid]), { kernel }), /hands the controllers cpu memory to those below it/);
  await assert.rejects(apply(run(fake, 'inner', { args: ['true'], env: [] }), { kernel }), /ends of the tree only/);
  const shown = figures(fake, '/demo');
  assert.match(shown['cpu.max']!.meaning, /0.3 processors/);
  assert.match(shown['cpu.stat nr_throttled']!.meaning, /90 %/);
  assert.equal(shown['cpu.stat usage_usec']!.meaning, '1.5 s: processor time so far');
  assert.equal(shown['memory.max']!.meaning, 'no limit');
  assert.equal(shown['memory.events oom_kill']!.value, '1');
  assert.equal(shown['cpu.pressure some.avg10']!.value, '12.50');
  const top = between(sample(fake, ['/demo']), sample(fake, ['/demo']), new Map()).rows[0]!;
  assert.equal(top.cpuCeiling, 30);
  assert.equal(top.cpuCeilingFiles, 'cpu.max 30000 100000');
});

test('version 1 alone: a directory in each tree, version 1 files by their names', async (t) => {
  const fake = fakeLayout(t, pureV1);
  const kernel = recorder();
  await apply(make(fake, 'demo', { resources: { cpu: { quota: 30_000, period: 100_000 } }, files: [{ file: 'blkio.weight', value: '500' }] }, ['cpu', 'io']), {
    kernel,
  });
  const lines = kernel.lines.map((line) => line.replace(/"[^"]*\/sys\/fs\/cgroup/, '"'));
  assert.deepEqual(
    lines.filter((line) => line.startsWith('mkdirat')),
    ['mkdirat(AT_FDCWD, "/cpu,cpuacct/demo", 0755)', 'mkdirat(AT_FDCWD, "/blkio/demo", 0755)'],
  );
  assert.ok(lines.some((line) => line.includes('cpu.cfs_quota_us')) && lines.some((line) => line.includes('/blkio/demo/blkio.weight')));
  await assert.rejects(
    async () => apply(make(fake, 'demo', { resources: {}, files: [{ file: 'memory.high', value: '1' }] }, ['cpu']), { kernel }),
    /has no memory controller/,
  );
});
