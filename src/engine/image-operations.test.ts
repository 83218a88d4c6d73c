/** Images and volumes through the engine's operations: Docker's statuses and words, events, and the image `base`. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { makeImage, ociFiles, tar, tarOf } from '../image/fixture.ts';
import { gather } from '../storage/tar/tree-fixture.ts';
import { openEngine, unable, type EngineFixture } from './engine-fixture.ts';
import { EngineError, type Engine } from './engine.ts';

let fixture: EngineFixture;
let engine: Engine;
before(async () => {
  if (unable) return;
  fixture = await openEngine();
  ({ engine } = fixture);
});
after(async () => {
  if (!unable) await fixture.close();
});

const fails = (status: number, message: RegExp) => (error: unknown) => error instanceof EngineError && error.status === status && message.test(error.message);

/** The actions of events of one kind while something is done. */
async function eventsOf(type: string, work: () => Promise<unknown>): Promise<string[]> {
  const ending = new AbortController();
  const events = engine.events({ filters: { type: [type] }, signal: ending.signal });
  const seen: string[] = [];
  const reading = (async () => {
    for await (const event of events) seen.push(`${event.Action} ${event.Actor.Attributes['name'] ?? event.Actor.ID}`);
  })();
  await work();
  ending.abort();
  await reading.catch(() => undefined);
  return seen;
}

test('base is made once, when it is first asked for, however many ask', { skip: unable }, async () => {
  assert.deepEqual(await engine.images.list({ all: false, filters: {} }), []);
  await assert.rejects(engine.images.inspect('nothing'), fails(404, /^No such image: nothing:latest$/));
  await assert.rejects(engine.images.inspect('base:1'), fails(404, /^No such image: base:1$/));
  await assert.rejects(engine.images.remove('base', { force: false, prune: true }), fails(404, /^No such image: base:latest$/));
  await assert.rejects(engine.containers.create({ Image: 'Base' }), fails(400, /lower case/));

  const bodies = ['base', 'base:latest', 'docker.io/library/base', 'library/base'].map((Image) => ({ Image, HostConfig: { NetworkMode: 'none' } }));
  const made = await Promise.all(bodies.map((body) => engine.containers.create(body)));
  assert.equal(fixture.reports.filter((r) => r.startsWith('making the image base')).length, 1);
  const images = await engine.images.list({ all: false, filters: {} });
  assert.deepEqual(
    images.map((i) => [i.RepoTags, i.Containers]),
    [[['base:latest'], 4]],
  );

  await assert.rejects(engine.images.remove('base', { force: false, prune: true }), fails(409, /conflict: unable to remove repository reference "base"/));
  for (const { Id } of made) await engine.containers.remove(Id, { force: false, volumes: false });
  const removals = await eventsOf('image', () => engine.images.remove('base', { force: false, prune: true }));
  assert.deepEqual(removals, ['untag base:latest', `delete ${images[0]?.Id}`]);
  await engine.images.inspect('base'); // and made again
  assert.equal(fixture.reports.filter((r) => r.startsWith('making the image base')).length, 2);
});

test('images are loaded, imported, tagged, saved and pruned, and events tell', { skip: unable }, async () => {
  const archive = tarOf(ociFiles(makeImage([tar({ path: 'hello', content: 'hi' })]), 'loaded:1'));
  const lines: unknown[] = [];
  const events = await eventsOf('image', async () => {
    for await (const line of engine.images.load(Readable.from([archive]))) lines.push(line);
  });
  assert.deepEqual(lines, [{ stream: 'Loaded image: loaded:1\n' }]);
  const { Id } = await engine.images.inspect('loaded:1');
  assert.deepEqual(events, [`load ${Id}`]);

  await engine.images.tag('loaded:1', 'other/name', 'v2');
  await assert.rejects(engine.images.tag('loaded:1', 'BAD', 'v2'), fails(400, /lower case/));
  await assert.rejects(engine.images.tag('absent', 'x', 'y'), fails(404, /No such image: absent:latest/));
  const saved = await gather(await engine.images.save(['other/name:v2']));
  const names = spawnSync('tar', ['-xO', 'manifest.json'], { input: saved, encoding: 'utf8' }).stdout;
  assert.deepEqual((JSON.parse(names) as [{ RepoTags: string[] }])[0].RepoTags, ['other/name:v2']);
  await assert.rejects(engine.images.save(['absent']), fails(404, /absent/));

  const imported = await engine.images.import(Readable.from([tar({ path: 'f', content: 'x' })]), {
    repository: 'rootfs',
    tag: 'now',
    changes: ['CMD ["/f"]'],
    message: 'by hand',
  });
  assert.deepEqual(imported.RepoTags, ['rootfs:now']);
  assert.deepEqual((await engine.images.inspect('rootfs:now')).Config.Cmd, ['/f']);
  assert.equal((await engine.images.history('rootfs:now'))[0]?.Comment, 'by hand');
  await assert.rejects(engine.images.import(Readable.from([Buffer.from('x'.repeat(2000))]), { changes: [] }), fails(400, /no image/));
  await assert.rejects(engine.images.import(Readable.from([archive]), { changes: ['NONSENSE'] }), fails(400, /./));
  const rootfs = engine.images.load(Readable.from([tar({ path: 'f' })]))[Symbol.asyncIterator]();
  await assert.rejects(rootfs.next(), fails(400, /image archive/));

  await engine.images.remove('rootfs:now', { force: true, prune: true });
  const pruned = await eventsOf('image', () => engine.images.prune({ dangling: ['false'] }));
  assert.ok(pruned.includes('untag loaded:1') && pruned.includes('untag other/name:v2') && pruned.includes(`delete ${Id}`));
  await assert.rejects(engine.images.prune({ colour: ['red'] }), fails(400, /colour/));
});

test('commit makes an image of what a container changed, paused meanwhile if it runs', { skip: unable }, async () => {
  const id = await fixture.run({ Cmd: ['sh', '-c', 'echo changed > /new && mv /new /changed; sleep 1000'], Env: ['A=b'], User: '0' });
  while (!(await engine.containers.statArchive(id, '/changed').catch(() => undefined)));
  const seen = await eventsOf('container', async () => {
    const { Id } = await engine.images.commit(id, { repository: 'committed', tag: 'v1', comment: 'why', author: 'me', pause: true, changes: ['LABEL a=b'] });
    assert.equal((await engine.images.inspect('committed:v1')).Id, Id);
  });
  assert.deepEqual(
    seen.map((e) => e.split(' ')[0]),
    ['pause', 'commit', 'unpause'],
  );
  assert.equal((await engine.containers.inspect(id, { size: false })).State.Status, 'running');
  const image = await engine.images.inspect('committed:v1');
  assert.equal(image.Author, 'me');
  assert.equal(image.Comment, 'why');
  assert.deepEqual(image.Config.Labels, { a: 'b' });
  assert.ok(image.Config.Env?.includes('A=b'));
  assert.deepEqual(image.Config.Cmd, ['sh', '-c', 'echo changed > /new && mv /new /changed; sleep 1000']);
  assert.equal('Hostname' in image.Config, false);
  // A container of the new image has the changes.
  await fixture.script('[ "$(cat /changed)" = changed ]', { Image: 'committed:v1' });
  await assert.rejects(engine.images.commit('nobody', { pause: true, changes: [] }), fails(404, /No such container: nobody/));
  await assert.rejects(engine.images.commit(id, { pause: true, changes: ['NONSENSE'] }), fails(400, /NONSENSE/));
  assert.equal((await engine.containers.inspect(id, { size: false })).State.Status, 'running');
});

test('volumes answer with statuses, and events tell', { skip: unable }, async () => {
  const seen = await eventsOf('volume', async () => {
    const volume = await engine.volumes.create({ Name: 'one', Labels: { a: 'b' } });
    assert.deepEqual(await engine.volumes.create({ Name: 'one' }), volume);
    assert.deepEqual(await engine.volumes.inspect('one'), volume);
    const id = await fixture.run({ HostConfig: { Binds: ['one:/data'] } });
    await assert.rejects(engine.volumes.remove('one', { force: true }), fails(409, /volume is in use/));
    await engine.containers.remove(id, { force: true, volumes: true });
    await engine.volumes.remove('one', { force: false });
    await engine.volumes.create({ Name: 'two' });
    assert.deepEqual((await engine.volumes.prune({ all: ['true'] })).VolumesDeleted, ['two']);
  });
  assert.deepEqual(seen, ['create one', 'destroy one', 'create two', 'destroy two']);
  await assert.rejects(engine.volumes.inspect('one'), fails(404, /one: no such volume/));
  await assert.rejects(engine.volumes.remove('one', { force: false }), fails(404, /no such volume/));
  await engine.volumes.remove('one', { force: true });
  await assert.rejects(engine.volumes.create({ Name: '!' }), fails(400, /no volume name/));
});

test('info counts, and says what the machine can do', { skip: unable }, async () => {
  const before = await engine.info();
  const running = await fixture.run();
  await fixture.script('true');
  const info = await engine.info();
  assert.deepEqual(
    [info.ContainersRunning - before.ContainersRunning, info.ContainersStopped - before.ContainersStopped, info.Containers - before.Containers],
    [1, 1, 2],
  );
  await engine.containers.pause(running);
  assert.equal((await engine.info()).ContainersPaused, 1);
  await engine.containers.unpause(running);
  assert.equal(info.ID, before.ID);
  assert.match(info.ServerVersion, /^\d+\.\d+\.\d+/);
  assert.match(info.KernelVersion, /^\d+\.\d+/);
  assert.ok(info.MemTotal > 0 && info.NCPU > 0 && info.OperatingSystem.length > 0);
  assert.ok(info.SecurityOptions.some((o) => o.startsWith('name=seccomp')));
});

test('the size of a container is what it wrote, and with the image all of it', { skip: unable }, async () => {
  const id = await fixture.script('head -c 12345 /dev/zero > /f');
  const seen = await engine.containers.inspect(id, { size: true });
  assert.ok(seen.SizeRw !== undefined && seen.SizeRw >= 12345 && seen.SizeRw < 20000, String(seen.SizeRw));
  assert.equal(seen.SizeRootFs, seen.SizeRw + (await engine.images.inspect('base')).Size);
  const [line] = await engine.containers.list({ all: true, size: true, filters: { id: [id] } });
  assert.deepEqual([line?.SizeRw, line?.SizeRootFs], [seen.SizeRw, seen.SizeRootFs]);
});

test('top shows the processes of a running container, and of no other', { skip: unable }, async () => {
  const id = await fixture.run({ Cmd: ['sh', '-c', 'sleep 4321 & sleep 1234'] });
  let table = await engine.containers.top(id, '');
  while (table.Processes.length < 3) table = await engine.containers.top(id, '');
  assert.deepEqual(table.Titles, ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD']);
  const { State } = await engine.containers.inspect(id, { size: false });
  assert.equal(table.Processes[0]?.[1], String(State.Pid));
  await assert.rejects(engine.containers.top(id, '--bad'), fails(400, /--bad/));
  const stopped = await fixture.script('true');
  await assert.rejects(engine.containers.top(stopped, ''), fails(409, /is not running/));
});
