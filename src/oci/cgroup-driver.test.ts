/** Cgroups as hako-oci makes, finds and removes them, on the kernel that runs the tests. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { perform } from '../kernel/perform.ts';
import { directoryIn, type Cgroup } from '../runtime/cgroup/cgroup.ts';
import { ended, fakeLayout, firstLine, pureV1, pureV2, start, testPath, unable, writeFiles } from '../runtime/cgroup/fixture.ts';
import { freeze, isFrozen, thaw } from '../runtime/cgroup/freeze.ts';
import { killAll } from '../runtime/cgroup/kill.ts';
import { detectCgroups } from '../runtime/cgroup/detect.ts';
import { hierarchyOf, titleOf } from '../runtime/cgroup/layout.ts';
import { apply } from '../step/apply.ts';
import { prepareCgroup } from './cgroup-driver.ts';
import type { CgroupRequest } from './cgroup-making.ts';
import { cgroupPlace } from './cgroup-path.ts';
import { applyToFiles, placeOf, placeToEnter, removeContainerCgroup } from './cgroup-place.ts';
import type { CgroupRecord } from './container-record.ts';

const layout = unable ? undefined : detectCgroups();
const noV1 = unable || (layout!.mode === 'v2' && 'this machine has no hierarchy of version 1');
const run = <R>(procedure: Parameters<typeof apply<R>>[0]): Promise<R> => apply(procedure, { kernel: { call: perform } });

async function made(t: TestContext, request: Partial<CgroupRequest> = {}): Promise<{ cgroup: Cgroup; record: CgroupRecord; path: string }> {
  const path = request.cgroupsPath ?? testPath(t, layout!);
  const { record, make } = await prepareCgroup({ id: 'x', driver: 'cgroupfs', rootless: false, ...request, cgroupsPath: path });
  return { cgroup: (await run(make())).cgroup, record, path };
}

const missingIn = (place: { hierarchies: readonly { mountPoint: string }[] }, path: string): string[] =>
  place.hierarchies.map((h) => h.mountPoint + path).filter((directory) => !existsSync(directory));

test('a container is in every hierarchy, under one path', { skip: unable }, async (t) => {
  const { cgroup, path } = await made(t);
  const child = start(cgroup, 'echo ready; exec sleep 60');
  const end = ended(child);
  await firstLine(child);
  const lines = readFileSync(`/proc/${child.pid}/cgroup`, 'utf8').trim().split('\n');
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(`:${path}`)),
    [],
  );
  assert.equal(lines.length >= layout!.hierarchies.length, true);
  await run(killAll(cgroup));
  await end;
});

test('what is noted of a cgroup finds, pauses and removes it, without system calls of our own', { skip: unable }, async (t) => {
  const { cgroup, record, path } = await made(t, { resources: { pids: { limit: 9 } } });
  const place = placeOf(JSON.parse(JSON.stringify(record)) as CgroupRecord);
  assert.deepEqual(place.hierarchies.map(titleOf), layout!.hierarchies.map(titleOf));
  const child = start(cgroup, 'echo ready; exec sleep 60');
  const end = ended(child);
  await firstLine(child);
  await applyToFiles(freeze(place));
  assert.equal(isFrozen(place), true);
  await applyToFiles(thaw(place));
  assert.equal(isFrozen(place), false);
  for (const h of place.hierarchies) mkdirSync(`${directoryIn(h, path)}/inner`);
  await run(killAll(place));
  await removeContainerCgroup(record);
  assert.deepEqual(missingIn(place, path).length, place.hierarchies.length);
  await end;
  await removeContainerCgroup(record); // gone already: no failure
});

test('a cgroup that was there keeps its limits, and stays', { skip: unable || (!hierarchyOf(layout!, 'memory') && 'no memory controller') }, async (t) => {
  const path = testPath(t, layout!);
  const memory = hierarchyOf(layout!, 'memory')!;
  const directory = directoryIn(memory, path);
  mkdirSync(directory, { recursive: true });
  const file = memory.version === 1 ? 'memory.limit_in_bytes' : 'memory.max';
  if (memory.version === 1) writeFileSync(`${directory}/${file}`, '67108864');
  const before = readFileSync(`${directory}/${file}`, 'utf8');
  const { record } = await made(t, { cgroupsPath: path });
  assert.deepEqual(record.kept, [titleOf(memory)]);
  assert.equal(readFileSync(`${directory}/${file}`, 'utf8'), before);
  mkdirSync(`${directory}/inner`);
  await removeContainerCgroup(record);
  assert.equal(existsSync(directory), true);
  assert.equal(existsSync(`${directory}/inner`), false);
  assert.equal(missingIn(placeOf(record), path).length, record.hierarchies.length - 1);
  rmdirSync(directory);
});

test('a cgroup that is in use or paused is refused', { skip: unable }, async (t) => {
  const { cgroup, record, path } = await made(t);
  const again = async (): Promise<unknown> => (await prepareCgroup({ id: 'y', driver: 'cgroupfs', rootless: false, cgroupsPath: path })).begin();
  await applyToFiles(freeze(placeOf(record)));
  await assert.rejects(again(), /container's cgroup unexpectedly frozen/);
  await applyToFiles(thaw(placeOf(record)));
  const child = start(cgroup, 'echo ready; exec sleep 60');
  const end = ended(child);
  await firstLine(child);
  await assert.rejects(again(), new RegExp(`container's cgroup is not empty: 1 process.*${child.pid}`));
  await run(killAll(cgroup));
  await end;
  await removeContainerCgroup(record);
});

test('what the machine can not limit is an error, and nothing is left', { skip: unable }, async (t) => {
  const path = testPath(t, layout!);
  const { make, record } = await prepareCgroup({
    id: 'x',
    driver: 'cgroupfs',
    rootless: false,
    cgroupsPath: path,
    resources: { hugepageLimits: [{ pageSize: '3MB', limit: 4096 }] },
  });
  await assert.rejects(run(make()), /3MB pages will not be in force/);
  assert.equal(missingIn(placeOf(record), path).length, record.hierarchies.length);
});

test('without cgroups there are no limits, and no path', { skip: unable }, async () => {
  const request = { id: 'x', driver: 'disabled', rootless: false } as const;
  const { record, make } = await prepareCgroup({ ...request, resources: { devices: [{ allow: false }] } });
  assert.deepEqual(placeOf(record).hierarchies, []);
  const { cgroup, warnings } = await run(make());
  assert.deepEqual(cgroup.hierarchies, []);
  assert.match(warnings.join(), /linux.resources.devices is not in force/);
  await assert.rejects(prepareCgroup({ ...request, resources: { memory: { limit: 1 } } }), /limits memory, .* cgroups are disabled/);
});

test('one more process goes to the first where the cgroup itself can have none', (t) => {
  const layout = fakeLayout(t, pureV2);
  const place = { path: '/box', hierarchies: layout.hierarchies };
  writeFiles(layout.unified!.mountPoint, { 'box/cgroup.subtree_control': '\n' });
  assert.equal(placeToEnter(place, '0::/box/init.scope\n').path, '/box');
  writeFiles(layout.unified!.mountPoint, { 'box/cgroup.subtree_control': 'memory pids\n' });
  assert.equal(placeToEnter(place, '0::/box/init.scope\n').path, '/box/init.scope');
  assert.equal(placeToEnter(place, '0::/boxes\n').path, '/box', 'it is to stay in the container');
});

test('a path is below the root, below the caller, or beside it', (t) => {
  const [v1, v2] = [fakeLayout(t, pureV1), fakeLayout(t, pureV2)];
  const pathOf = (...args: Parameters<typeof cgroupPlace>): string => cgroupPlace(...args).path;
  assert.equal(pathOf('/a//b/../c/', 'id', v1), '/a/c');
  assert.equal(pathOf('/../../a', 'id', v2), '/a');
  assert.equal(pathOf('a/../../b', 'id', v1), '/b');
  assert.equal(pathOf(undefined, 'id', v1), '/id');
  assert.equal(pathOf('a', 'id', v2), '/system.slice/hakod.service/a', 'only its own cgroup is given to it');
  writeFiles(v2.unified!.mountPoint, { 'system.slice/cgroup.procs': '' });
  assert.equal(pathOf('a', 'id', v2), '/system.slice/a');
  assert.equal(pathOf(undefined, 'id', v2), '/system.slice/id');
  for (const root of ['/', '/..', '.', '//']) assert.throws(() => cgroupPlace(root, 'id', v1), /names the root/, root);

  const bases = (cgroupsPath?: string): (string | undefined)[] => cgroupPlace(cgroupsPath, 'id', v1).layout.hierarchies.map(({ base }) => base);
  assert.equal(bases().find(Boolean), undefined, 'the own cgroup is not beneath the mount');
  writeFiles(v1.hierarchies[0]!.mountPoint, { 'system.slice/hakod.service/tasks': '' });
  assert.deepEqual(
    bases('a'),
    v1.hierarchies.map(({ name }) => (name ? '/system.slice/hakod.service' : undefined)),
  );
  assert.equal(bases('/a').find(Boolean), undefined);
});

test('without a path a container is below its caller, in each hierarchy of version 1, and found there again', { skip: noV1 }, async (t) => {
  const path = testPath(t, layout!);
  const caller = await made(t, { cgroupsPath: path });
  const first = caller.cgroup.hierarchies.find(({ version }) => version === 1)!;
  const directory = directoryIn(first, path);
  writeFileSync(`${directory}/cgroup.procs`, String(process.pid));
  try {
    const { record, make } = await prepareCgroup({ id: 'box', driver: 'cgroupfs', rootless: false });
    const { cgroup } = await run(make());
    assert.equal(existsSync(`${directory}/box`), true);
    const noted = JSON.parse(JSON.stringify(record)) as CgroupRecord;
    assert.deepEqual(
      placeOf(noted).hierarchies.map(({ mountPoint }) => mountPoint),
      cgroup.hierarchies.map(({ mountPoint }) => mountPoint),
    );
    assert.deepEqual(missingIn(placeOf(noted), '/box'), []);
    await removeContainerCgroup(noted);
    assert.equal(missingIn(placeOf(noted), '/box').length, record.hierarchies.length);
  } finally {
    writeFileSync(`${directoryIn(first, first.own === '/' ? '' : first.own)}/cgroup.procs`, String(process.pid));
  }
});
