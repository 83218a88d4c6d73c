/** Samples of a real process in a cgroup of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatsSample } from '../api/schema.ts';
import { createCgroup } from '../runtime/cgroup/create.ts';
import { firstLine, run, start, testPath, unable } from '../runtime/cgroup/fixture.ts';
import { detectCgroups } from '../runtime/cgroup/detect.ts';
import { containerSamples, networkStats, type StatsSource } from './stats.ts';

const never = new AbortController().signal;

async function all(samples: AsyncIterable<StatsSample>): Promise<StatsSample[]> {
  const list: StatsSample[] = [];
  for await (const sample of samples) list.push(sample);
  return list;
}

test('a single sample has one before it, and between them the processor time of the process', { skip: unable, timeout: 20_000 }, async (t) => {
  const layout = detectCgroups();
  const cgroup = await run(createCgroup(layout, testPath(t, layout)));
  const child = start(cgroup, 'echo here; while :; do :; done');
  t.after(() => child.kill('SIGKILL'));
  await firstLine(child);
  const source: StatsSource = { id: 'busy', name: 'busy', running: { cgroup, pid: child.pid ?? 0, network: true } };
  const [sample, ...more] = await all(containerSamples(() => source, { stream: false, oneShot: false, signal: never }));
  assert.ok(sample);
  assert.equal(more.length, 0);
  assert.deepEqual([sample.id, sample.name], ['busy', '/busy']);
  assert.ok(sample.cpu_stats.cpu_usage.total_usage > sample.precpu_stats.cpu_usage.total_usage);
  assert.ok((sample.cpu_stats.system_cpu_usage ?? 0) > (sample.precpu_stats.system_cpu_usage ?? Infinity));
  assert.ok(sample.preread < sample.read);
  assert.ok((sample.memory_stats.usage ?? 0) > 0 && (sample.memory_stats.limit ?? 0) > (sample.memory_stats.usage ?? 0));
  assert.ok((sample.pids_stats.current ?? 0) >= 1);
});

test('a sample asked for at once has none before it; two who ask at once get the same', { skip: unable, timeout: 20_000 }, async (t) => {
  const layout = detectCgroups();
  const cgroup = await run(createCgroup(layout, testPath(t, layout)));
  const child = start(cgroup, 'echo here; sleep 60');
  t.after(() => child.kill('SIGKILL'));
  await firstLine(child);
  const source: StatsSource = { id: 'idle', name: 'idle', running: { cgroup, pid: child.pid ?? 0, network: true } };
  const ask = (): Promise<StatsSample[]> => all(containerSamples(() => source, { stream: false, oneShot: true, signal: never }));
  const [[one], [other]] = await Promise.all([ask(), ask()]);
  assert.equal(one?.precpu_stats.cpu_usage.total_usage, 0);
  assert.equal(one?.read, other?.read);
});

test('samples go on until the client leaves, and end when the container is gone', { timeout: 20_000 }, async () => {
  const stop = new AbortController();
  const stopped: StatsSource = { id: 'off', name: 'off' };
  let count = 0;
  for await (const sample of containerSamples(() => stopped, { stream: true, oneShot: false, signal: stop.signal })) {
    assert.equal(sample.cpu_stats.cpu_usage.total_usage, 0);
    count += 1;
    setImmediate(() => stop.abort());
  }
  assert.equal(count, 1);
  assert.deepEqual(await all(containerSamples(() => undefined, { stream: true, oneShot: false, signal: never })), []);
});

test("a process's network has counters by interface, without the loopback", async () => {
  const networks = await networkStats(process.pid);
  assert.ok(networks && !('lo' in networks));
  for (const figures of Object.values(networks)) assert.ok(Object.values(figures).every((figure) => Number.isSafeInteger(figure) && figure >= 0));
  assert.equal(await networkStats(2 ** 22 + 1), undefined);
});
