import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { contentsOf, makeImage, ociFiles, openFixture, sha256, tar, temporaryDirectory, writeFiles, type Fixture, type ImageParts } from './fixture.ts';
import { Images, type ImageUsers } from './images.ts';
import type { ImageUser } from './remove.ts';

const base = tar({ path: 'bin/', type: '5' }, { path: 'bin/sh', content: 'x'.repeat(100) });
const older = makeImage([base], { fields: { created: '2023-01-01T00:00:00Z' }, config: { Labels: { kind: 'base' } } });
const newer = makeImage([base, tar({ path: 'app', content: 'y'.repeat(10) })], {
  fields: {
    created: '2024-06-01T00:00:00Z',
    author: 'somebody',
    history: [
      { created: '2023-01-01T00:00:00Z', created_by: 'ADD base' },
      { created: '2024-06-01T00:00:00Z', created_by: 'ENV A=b', empty_layer: true },
      { created: '2024-06-01T00:00:00Z', created_by: 'COPY app /', comment: 'the app' },
    ],
  },
});
const idOf = (parts: ImageParts): string => sha256(parts.config);

/** A store with both images, and whom the test says to use them. */
async function withImages(t: TestContext): Promise<Fixture & { users: Map<string, ImageUser[]>; layersInUse: Set<string> }> {
  const users = new Map<string, ImageUser[]>();
  const layersInUse = new Set<string>();
  const fixture = await openFixture(t, { usedBy: (id) => users.get(id) ?? [], usedLayers: () => layersInUse });
  await fixture.images.import({ path: writeFiles(temporaryDirectory(t), ociFiles(older, 'base:1')) });
  await fixture.images.import({ path: writeFiles(temporaryDirectory(t), ociFiles(newer, 'registry.example:5000/team/app')) });
  return { ...fixture, users, layersInUse };
}

const tags = (images: Images, filters: Record<string, string[]> = {}): string[][] => images.list({ filters }).map((i) => i.RepoTags);

test('images are found by name, id, prefix of an id, and name with digest', async (t) => {
  const { images } = await withImages(t);
  const id = idOf(newer);
  const full = 'registry.example:5000/team/app';
  for (const ref of [full, `${full}:latest`, id, id.slice(7), id.slice(7, 19), `${full}@${sha256(newer.manifest)}`])
    assert.equal(images.resolve(ref).id, id, ref);
  assert.equal(images.resolve('docker.io/library/base:1').id, idOf(older));
  assert.throws(() => images.resolve('base'), { kind: 'not-found', message: 'No such image: base:latest' });
  assert.throws(() => images.resolve(`sha256:${'0'.repeat(64)}`), { kind: 'not-found' });
  assert.throws(() => images.resolve('sha256:'), { kind: 'invalid' });
  assert.throws(() => images.resolve('Base'), { kind: 'invalid', message: /lower case/ });
});

test('the list is newest first, and filters choose from it', async (t) => {
  const { images } = await withImages(t);
  const [app, bottom] = [['registry.example:5000/team/app:latest'], ['base:1']];
  assert.deepEqual(tags(images), [app, bottom]);
  assert.deepEqual(images.list()[0], {
    Id: idOf(newer),
    ParentId: '',
    RepoTags: app,
    RepoDigests: [],
    Created: Date.parse('2024-06-01T00:00:00Z') / 1000,
    Size: 110,
    SharedSize: -1,
    Labels: null,
    Containers: -1,
  });
  assert.deepEqual(tags(images, { label: ['kind=base'] }), [bottom]);
  assert.deepEqual(tags(images, { label: ['kind=other'] }), []);
  assert.deepEqual(tags(images, { before: ['registry.example:5000/team/app'] }), [bottom]);
  assert.deepEqual(tags(images, { since: ['base:1'] }), [app]);
  assert.deepEqual(tags(images, { until: ['2024-01-01T00:00:00Z'] }), [bottom]);
  assert.deepEqual(tags(images, { reference: ['ba*:1'] }), [bottom]);
  assert.deepEqual(tags(images, { reference: ['base', '*/team/app'] }), [app, bottom]);
  assert.deepEqual(tags(images, { dangling: ['true'] }), []);
  assert.throws(() => tags(images, { colour: ['red'] }), /cannot be filtered by "colour"/);
});

test('inspect and history have Docker’s shapes', async (t) => {
  const { images } = await withImages(t);
  const inspect = images.inspect('registry.example:5000/team/app');
  const { GraphDriver: driver, ...rest } = inspect;
  assert.deepEqual(rest, {
    Id: idOf(newer),
    RepoTags: ['registry.example:5000/team/app:latest'],
    RepoDigests: [],
    Parent: '',
    Comment: 'the app',
    Created: '2024-06-01T00:00:00Z',
    DockerVersion: '',
    Author: 'somebody',
    Architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    Os: 'linux',
    Config: { Cmd: ['/bin/true'], Env: ['PATH=/bin'] },
    Size: 110,
    RootFS: { Type: 'layers', Layers: newer.layers.map((l) => l.diffId) },
    Metadata: {},
  });
  assert.equal(driver.Data?.['LowerDir'], images.resolve('base:1').lower[0]);
  assert.deepEqual(
    images.history('registry.example:5000/team/app').map((h) => [h.Id, h.CreatedBy, h.Size, h.Comment, h.Tags]),
    [
      [idOf(newer), 'COPY app /', 10, 'the app', ['registry.example:5000/team/app:latest']],
      ['<missing>', 'ENV A=b', 0, '', null],
      ['<missing>', 'ADD base', 100, '', null],
    ],
  );
});

test('a name moves with tag, and the image that loses it stays, untagged', async (t) => {
  const { images } = await withImages(t);
  await images.tag('registry.example:5000/team/app', 'base', '1');
  assert.equal(images.resolve('base:1').id, idOf(newer));
  assert.deepEqual(images.inspect(idOf(older)).RepoTags, []);
  assert.deepEqual(tags(images, { dangling: ['true'] }), [[]]);
  await assert.rejects(images.tag('base:1', 'No'), { kind: 'invalid' });

  const pruned = await images.prune();
  assert.deepEqual(pruned.ImagesDeleted, [{ Deleted: idOf(older) }]);
  assert.ok(pruned.SpaceReclaimed > 0);
  assert.equal(images.resolve('base:1').lower.length, 2, 'the layer in common stays');
});

test('a name is taken away; the image goes with its last, and what only it needed', async (t) => {
  const { images, root } = await withImages(t);
  await images.tag('base:1', 'other');
  assert.deepEqual(await images.remove('other'), [{ Untagged: 'other:latest' }]);
  const top = images.resolve('registry.example:5000/team/app').chain[1];
  assert.deepEqual(await images.remove('registry.example:5000/team/app'), [
    { Untagged: 'registry.example:5000/team/app:latest' },
    { Deleted: idOf(newer) },
    { Deleted: top },
  ]);
  assert.equal(contentsOf(root).length, 4, 'base: manifest, configuration, blob and extracted layer');
  await assert.rejects(images.remove('other'), { kind: 'not-found' });
});

test('an id with names in several repositories needs force', async (t) => {
  const { images, root } = await withImages(t);
  await images.tag('base:1', 'base', '2');
  await images.tag('base:1', 'elsewhere');
  await assert.rejects(images.remove(idOf(older)), { kind: 'conflict', message: /must be forced.*multiple repositories/ });
  assert.equal((await images.remove(idOf(older), { force: true })).filter((r) => 'Untagged' in r).length, 3);
  await images.remove(idOf(newer).slice(7, 15));
  assert.deepEqual(contentsOf(root), []);
});

test('what containers use stays: running ones always, stopped ones unless forced, and their layers even then', async (t) => {
  const { images, users, layersInUse } = await withImages(t);
  const { chain, lower } = images.resolve('registry.example:5000/team/app');
  users.set(idOf(newer), [{ id: 'c'.repeat(64), running: true }]);
  await assert.rejects(images.remove(idOf(newer), { force: true }), { kind: 'conflict', message: /cannot be forced.*running container cccccccccccc/ });
  await assert.rejects(images.remove('registry.example:5000/team/app'), { kind: 'conflict', message: /must force.*container cccccccccccc/ });
  assert.deepEqual((await images.prune({ dangling: ['false'] })).ImagesDeleted.at(0), { Untagged: 'base:1' });

  users.set(idOf(newer), [{ id: 'c'.repeat(64), running: false }]);
  await assert.rejects(images.remove(idOf(newer)), { kind: 'conflict', message: /must be forced.*stopped container/ });
  layersInUse.add(chain[1]!);
  await images.remove('registry.example:5000/team/app', { force: true });
  assert.deepEqual(images.list(), []);
  assert.ok(
    lower.every((d) => existsSync(d)),
    'the container’s layers are still here',
  );
  assert.deepEqual(images.lowerDirs(chain), lower);
});

test('another engine finds the same images, and removes what a crash left', async (t) => {
  const { images, root, pool } = await withImages(t);
  const nobody: ImageUsers = { usedBy: () => [], usedLayers: () => [] };
  writeFiles(root, { 'images/ingest/9': Buffer.from('half'), 'layers/9.tmp/diff/half': Buffer.from(''), 'layers/8/diff/no-record': Buffer.from('') });
  const again = await Images.open(root, pool, nobody);
  assert.deepEqual(again.list(), images.list());
  assert.deepEqual(again.resolve('base:1'), images.resolve('base:1'));
  assert.ok(!contentsOf(root).some((f) => /ingest|tmp|layers\/8/.test(f)), contentsOf(root).join());
});

test('a damaged manifest is told, not served', async (t) => {
  const { root, pool } = await withImages(t);
  writeFiles(join(root, 'images/blobs/sha256'), { [sha256(older.manifest).slice(7)]: Buffer.concat([older.manifest, Buffer.from(' ')]) });
  const again = await Images.open(root, pool, { usedBy: () => [], usedLayers: () => [] });
  assert.throws(() => again.resolve('base:1'), { kind: 'invalid', message: /is damaged/ });
  assert.equal(readFileSync(join(root, 'images/oci-layout'), 'utf8'), '{"imageLayoutVersion":"1.0.0"}');
});
