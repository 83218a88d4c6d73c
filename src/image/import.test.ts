import assert from 'node:assert/strict';
import { lstatSync, mkdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import {
  blobFiles,
  contentsOf,
  descriptor,
  dockerFiles,
  makeImage,
  ociFiles,
  openFixture,
  sha256,
  tar,
  tarOf,
  temporaryDirectory,
  writeFiles,
  type Files,
  type Fixture,
} from './fixture.ts';

const lower = tar({ path: 'etc/', type: '5', mode: 0o750, uid: 7 }, { path: 'etc/name', content: 'lower' }, { path: 'gone', content: 'x' });
const upper = tar({ path: 'etc/name', content: 'upper' }, { path: '.wh.gone' }, { path: 'link', type: '2', link: 'etc/name' });
const image = makeImage([lower, upper], { config: { Labels: { a: 'b' } } });
const id = sha256(image.config);

/** What every way to bring the same two layers here must come to. */
function assertImported({ images }: Fixture, ref: string): void {
  const found = images.resolve(ref);
  assert.equal(found.id, id);
  assert.equal(found.lower.length, 2);
  const [top = '', bottom = ''] = found.lower;
  assert.equal(readFileSync(join(bottom, 'etc/name'), 'utf8'), 'lower');
  assert.equal(readFileSync(join(top, 'etc/name'), 'utf8'), 'upper');
  assert.equal(readlinkSync(join(top, 'link')), 'etc/name');
  assert.ok(statSync(join(top, 'gone')).isCharacterDevice(), 'a whiteout is overlay’s');
  // The upper archive has no entry for etc: the directory must look as it does below.
  assert.deepEqual([lstatSync(join(top, 'etc')).mode & 0o7777, lstatSync(join(top, 'etc')).uid], [0o750, 7]);
}

const stream = async function* (bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
};

const archives: Record<string, () => Files> = {
  'an OCI layout': () => ociFiles(image, 'docker.io/library/two:1'),
  'an old docker save archive': () => dockerFiles(image, ['two:1']),
  'an old docker save archive with plain layers': () => dockerFiles(image, ['two:1'], [lower, upper]),
  'a new docker save archive': () => ({
    ...ociFiles(image, 'two:1'),
    'manifest.json': Buffer.from(
      JSON.stringify([
        { Config: `blobs/sha256/${id.slice(7)}`, RepoTags: ['two:1'], Layers: image.layers.map((l) => `blobs/sha256/${sha256(l.blob).slice(7)}`) },
      ]),
    ),
  }),
};
for (const [name, files] of Object.entries(archives)) {
  test(`${name} is imported: directory, tar, gzip, zstd and stream`, async (t) => {
    const fixture = await openFixture(t);
    mkdirSync(fixture.work);
    const archive = tarOf(files());
    const sources = { tar: archive, gz: gzipSync(archive), zst: zstdCompressSync(archive) };
    for (const [ending, bytes] of Object.entries(sources)) {
      const path = join(fixture.work, `archive.${ending}`);
      writeFileSync(path, bytes);
      assert.deepEqual(await fixture.images.import({ path }), [{ id, names: ['docker.io/library/two:1'] }], ending);
      assertImported(fixture, 'two:1');
      await fixture.images.remove('two:1');
      assert.deepEqual(contentsOf(fixture.root), [], 'nothing is left of a removed image');
    }
    await fixture.images.import(stream(archive));
    assertImported(fixture, id);
    await fixture.images.remove('two:1');
    await fixture.images.import({ path: writeFiles(join(fixture.work, 'directory'), files()) });
    assertImported(fixture, id.slice(7, 15));
  });
}

for (const compression of ['none', 'gzip', 'zstd'] as const) {
  test(`layers compressed by ${compression} are imported, and their bytes kept`, async (t) => {
    const fixture = await openFixture(t);
    const packed = makeImage([lower, upper], { compression });
    await fixture.images.import({ path: writeFiles(fixture.work, ociFiles(packed, 'z')) });
    for (const { blob } of packed.layers) assert.deepEqual(readFileSync(join(fixture.root, 'images/blobs/sha256', sha256(blob).slice(7))), blob);
    assert.equal(readFileSync(join(fixture.images.resolve('z').lower[0]!, 'etc/name'), 'utf8'), 'upper');
  });
}

test('a root file system becomes an image of one layer, with the changes asked for', async (t) => {
  const fixture = await openFixture(t);
  const rootfs = tar({ path: './', type: '5', mode: 0o711 }, { path: './bin/', type: '5' }, { path: './bin/sh', content: '#!', mode: 0o4755 });
  for (const bytes of [rootfs, gzipSync(rootfs), zstdCompressSync(rootfs)]) {
    const [imported] = await fixture.images.import(stream(bytes), {
      name: 'docker.io/library/own:1',
      changes: ['CMD ["/bin/sh"]', 'ENV A=b'],
      message: 'mine',
    });
    const {
      config,
      lower: [diff = ''],
    } = fixture.images.resolve('own:1');
    assert.deepEqual(config, { Cmd: ['/bin/sh'], Env: ['A=b'] });
    assert.equal(statSync(join(diff, 'bin/sh')).mode & 0o7777, 0o4755);
    assert.equal(statSync(diff).mode & 0o7777, 0o711, 'the root’s own entry counts');
    assert.deepEqual(
      fixture.images.history(imported!.id).map((h) => [h.Comment, h.Size]),
      [['mine', 2]],
    );
  }
  await assert.rejects(fixture.images.import(stream(rootfs), { archivesOnly: true }), /no image archive/);
});

test('changes make another image of the same layers', async (t) => {
  const fixture = await openFixture(t);
  const [imported] = await fixture.images.import(
    { path: writeFiles(fixture.work, ociFiles(image)) },
    { name: 'docker.io/library/c:1', changes: ['LABEL c=d', 'USER nobody'] },
  );
  const { id: changedId, config } = fixture.images.resolve('c:1');
  assert.equal(imported?.id, changedId);
  assert.notEqual(changedId, id);
  assert.deepEqual([config.Labels, config.User, config.Cmd], [{ a: 'b', c: 'd' }, 'nobody', ['/bin/true']]);
  assert.equal(fixture.images.history('c:1')[0]?.CreatedBy, 'LABEL c=d; USER nobody');
  await assert.rejects(fixture.images.import({ path: fixture.work }, { changes: ['FROM x'] }), { kind: 'invalid' });
});

test('of an image for several platforms, this machine’s is taken', async (t) => {
  const fixture = await openFixture(t);
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const other = makeImage([tar({ path: 'other', content: '' })], { architecture: 's390x' });
  const entry = (parts: typeof other, platform: object): object => ({ ...descriptor('application/vnd.oci.image.manifest.v1+json', parts.manifest), platform });
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        entry(other, { os: 'linux', architecture: 's390x' }),
        entry(image, { os: 'linux', architecture }),
        entry(other, { os: 'unknown', architecture: 'unknown' }),
      ],
    }),
  );
  const files = (manifests: Buffer): Files => ({
    'oci-layout': Buffer.from('{"imageLayoutVersion":"1.0.0"}'),
    'index.json': Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        manifests: [
          { ...descriptor('application/vnd.oci.image.index.v1+json', manifests), annotations: { 'io.containerd.image.name': 'docker.io/library/many:2' } },
        ],
      }),
    ),
    ...blobFiles(manifests, image.config, image.manifest, ...image.layers.map((l) => l.blob), other.config, other.manifest, ...other.layers.map((l) => l.blob)),
  });
  await fixture.images.import({ path: writeFiles(fixture.work, files(index)) });
  assertImported(fixture, 'many:2');

  const foreign = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [entry(other, { os: 'linux', architecture: 's390x' })] }));
  await assert.rejects(
    fixture.images.import({ path: writeFiles(temporaryDirectory(t), files(foreign)) }),
    /has no image for this machine, which is linux\/.*it has linux\/s390x/,
  );
  await assert.rejects(fixture.images.import({ path: writeFiles(temporaryDirectory(t), ociFiles(other)) }), /it has linux\/s390x/);
});

test('imports at the same time share what they have in common', async (t) => {
  const fixture = await openFixture(t);
  const sibling = makeImage([lower, tar({ path: 'sibling', content: '' })]);
  const [a, b] = [temporaryDirectory(t), temporaryDirectory(t)];
  writeFiles(a, ociFiles(image, 'a'));
  writeFiles(b, ociFiles(sibling, 'b'));
  await Promise.all([fixture.images.import({ path: a }), fixture.images.import({ path: b }), fixture.images.import({ path: a })]);
  assertImported(fixture, 'a');
  assert.equal(fixture.images.resolve('a').lower[1], fixture.images.resolve('b').lower[1]);
  assert.equal(contentsOf(fixture.root).filter((f) => f.startsWith('layers/')).length, 3);
  await fixture.images.remove('a');
  assert.equal(readFileSync(join(fixture.images.resolve('b').lower[1]!, 'etc/name'), 'utf8'), 'lower', 'the layer in common stays');
});

test('a layer whose hard links need the layers below gets them, though they are extracted at the same time', async (t) => {
  const fixture = await openFixture(t);
  const linked = makeImage([lower, tar({ path: 'etc/same', type: '1', link: 'etc/name' })]);
  await fixture.images.import({ path: writeFiles(fixture.work, ociFiles(linked, 'l')) });
  assert.equal(readFileSync(join(fixture.images.resolve('l').lower[0]!, 'etc/same'), 'utf8'), 'lower');
});
