/** The element commands on containers of a real engine: they are named by the engine, and looked at in the kernel. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { startEngine } from './support/engine.ts';
import { firstOf, needsController, needsRoot } from './support/needs.ts';

test('hako cgroup and hako cap know containers by name', { skip: firstOf(needsRoot(), needsController('cpu')) }, async () => {
  await using engine = await startEngine();
  const id = (await engine.must('run', '-d', '--name', 'web', '--cpus', '0.2', '--cap-drop', 'all', '--cap-add', 'net_raw', 'base', 'sleep', '1000')).trim();
  const [shown, top, holds, predicted] = await Promise.all([
    engine.must('cgroup', 'show', '--format', 'json', 'web'),
    engine.must('cgroup', 'top', '--once', '-i', '200ms', '--format', 'json'),
    engine.must('cap', 'show', '--format', 'json', 'web'),
    engine.must('cap', 'predict', '--of', 'web', '--format', 'json', 'sh'),
  ]);
  assert.equal((JSON.parse(shown) as { path: string }).path, `/${engine.cgroup}/${id}`);
  const { rows } = JSON.parse(top) as { rows: { path: string; container?: string; cpuCeiling?: number }[] };
  assert.deepEqual(
    rows.filter(({ container }) => container === 'web').map(({ path, cpuCeiling }) => [path, cpuCeiling]),
    [[`/${engine.cgroup}/${id}`, 20]],
  );
  const { sets, namespace } = JSON.parse(holds) as { sets: Record<string, { names: string[] }>; namespace: { initial: boolean } };
  assert.deepEqual([sets['bounding']!.names, sets['effective']!.names, namespace.initial], [['CAP_NET_RAW'], ['CAP_NET_RAW'], true]);
  const { program, after } = JSON.parse(predicted) as { program: { path: string }; after: { sets: Record<string, { names: string[] }> } };
  assert.deepEqual([program.path.endsWith('/sh'), after.sets['effective']!.names], [true, ['CAP_NET_RAW']]);

  const stopped = await engine.must('stop', '-t', '0', 'web');
  assert.match(stopped, /^web\n?$/);
  const { code, stderr } = await engine.hako(['cap', 'show', 'web']);
  assert.deepEqual([code, stderr], [1, 'hako: the container web is not running, so it has no process\n']);
});
