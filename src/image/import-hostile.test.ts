import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { contentsOf, descriptor, dockerFiles, makeImage, ociFiles, openFixture, sha256, tar, tarOf, writeFiles, type Files } from './fixture.ts';

const first = tar({ path: 'a', content: 'a'.repeat(5000) });
const second = tar({ path: 'b', content: 'b' });
const image = makeImage([first, second]);
const blobName = (bytes: Buffer): string => `blobs/sha256/${sha256(bytes).slice(7)}`;

/** What the tests change in it. */
interface ManifestJson {
  readonly config: object;
  readonly layers: readonly object[];
}

/** A layout whose manifest is changed by the test: the digests above it are right, so that only the change is wrong. */
function withManifest(change: (manifest: ManifestJson) => unknown): Files {
  const manifest = Buffer.from(JSON.stringify(change(JSON.parse(image.manifest.toString()) as ManifestJson)));
  return { ...ociFiles({ ...image, manifest }, 'bad'), [blobName(manifest)]: manifest };
}

function withConfig(change: (config: object) => unknown): Files {
  const config = Buffer.from(JSON.stringify(change(JSON.parse(image.config.toString()) as object)));
  const manifest = Buffer.from(
    JSON.stringify({ ...JSON.parse(image.manifest.toString()), config: descriptor('application/vnd.oci.image.config.v1+json', config) }),
  );
  return ociFiles({ ...image, config, manifest }, 'bad');
}

const secondBlob = image.layers[1]!.blob;
const evil = tar({ path: '../../escape', content: 'x' });

/** Layouts that must be refused, and what the sentence must say. */
const layouts: Record<string, [files: Files, says: RegExp]> = {
  'a layer that is not what its digest says': [{ ...ociFiles(image), [blobName(secondBlob)]: gzipSync(tar({ path: 'c', content: 'c' })) }, /layer 2 of 2/],
  'a layer of the right size with other bytes': [{ ...ociFiles(image), [blobName(secondBlob)]: Buffer.from(secondBlob).fill(0xff, 30, 60) }, /layer 2 of 2/],
  'a layer that ends early': [{ ...ociFiles(image), [blobName(secondBlob)]: secondBlob.subarray(0, 50) }, /layer 2 of 2 has 50 bytes, not/],
  'a layer that is missing': [Object.fromEntries(Object.entries(ociFiles(image)).filter(([name]) => name !== blobName(secondBlob))), /lacks the file/],
  'a layer that leads out of its root': [ociFiles(makeImage([first, evil])), /layer 2 of 2.*escape/],
  'a layer that is no tar': [ociFiles(makeImage([first, Buffer.alloc(5000, 'x')])), /layer 2 of 2/],
  'a layer that is compressed by xz': [withManifestLayer(Buffer.from('fd377a585a0000', 'hex')), /xz, which is not supported/],
  'a layer with a false diff id': [
    withConfig((c) => ({ ...c, rootfs: { type: 'layers', diff_ids: [sha256(first), sha256('other')] } })),
    /layer 2 of 2: the diff id .* is sha256:.*, not sha256:.*damaged or forged/,
  ],
  'fewer diff ids than layers': [
    withConfig((c) => ({ ...c, rootfs: { type: 'layers', diff_ids: [sha256(first)] } })),
    /its configuration has 1 layers, its manifest 2/,
  ],
  'a digest that is a path': [
    withManifest((m) => ({ ...m, layers: [{ ...m.layers[0], digest: 'sha256:../../../etc/passwd' }] })),
    /only sha256 digests are supported/,
  ],
  'a digest of another algorithm': [
    withManifest((m) => ({ ...m, config: { ...m.config, digest: `sha512:${'0'.repeat(128)}` } })),
    /only sha256 digests are supported/,
  ],
  'an unknown media type of a layer': [
    withManifest((m) => ({ ...m, layers: [{ ...m.layers[0], mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip+encrypted' }] })),
    /encrypted", which is not a layer/,
  ],
  'an artifact that is no image': [
    withManifest((m) => ({ ...m, config: { ...m.config, mediaType: 'application/vnd.cncf.helm.config.v1+json' } })),
    /helm.*which is not the configuration of a container image/,
  ],
  'a manifest of schema 1': [withManifest(() => ({ schemaVersion: 1 })), /old schema 1, which is not supported/],
  'a manifest with a negative size': [withManifest((m) => ({ ...m, layers: [{ ...m.layers[0], size: -1 }] })), /size -1/],
  'too many layers': [withManifest((m) => ({ ...m, layers: Array(501).fill(m.layers[0]) })), /501 layers; the kernel stacks at most 500/],
  'a configuration for another operating system': [withConfig((c) => ({ ...c, os: 'windows' })), /is for windows; only Linux images can run here/],
  'a configuration whose Env is no list': [withConfig((c) => ({ ...c, config: { Env: 'A=b' } })), /Env is not a list of strings/],
  'a configuration that is no JSON': [
    ociFiles({
      ...image,
      config: Buffer.from('{'),
      manifest: Buffer.from(
        JSON.stringify({ ...JSON.parse(image.manifest.toString()), config: descriptor('application/vnd.oci.image.config.v1+json', Buffer.from('{')) }),
      ),
    }),
    /not valid JSON/,
  ],
  'a huge index': [{ ...ociFiles(image), 'index.json': Buffer.alloc(5 << 20, ' ') }, /index\.json.*has 5242880 bytes; at most/],
  'an index without images': [{ ...ociFiles(image), 'index.json': Buffer.from('{"schemaVersion":2,"manifests":[]}') }, /holds no image/],
  'a layout of the future': [{ ...ociFiles(image), 'oci-layout': Buffer.from('{"imageLayoutVersion":"2.0.0"}') }, /layout version "2\.0\.0"/],
  'a name that is none': [ociFiles(image, 'UPPER CASE'), /no image reference/],
  'docker save: a layer outside the archive': [
    { ...dockerFiles(image, null), 'manifest.json': manifestJson({ Layers: ['../../../../etc/passwd', 'x'] }) },
    /outside the archive/,
  ],
  'docker save: an absolute configuration': [{ ...dockerFiles(image, null), 'manifest.json': manifestJson({ Config: '/etc/passwd' }) }, /outside the archive/],
  'docker save: layers that are no names': [{ ...dockerFiles(image, null), 'manifest.json': manifestJson({ Layers: [1] }) }, /names no list of layers/],
  'docker save: an empty list': [{ ...dockerFiles(image, null), 'manifest.json': Buffer.from('[]') }, /not a list of images/],
  'neither index.json nor manifest.json': [{ repositories: Buffer.from('{}') }, /neither index\.json .* nor manifest\.json/],
};

function manifestJson(change: object): Buffer {
  const [entry] = JSON.parse(dockerFiles(image, null)['manifest.json']!.toString()) as object[];
  return Buffer.from(JSON.stringify([{ ...entry, ...change }]));
}

function withManifestLayer(blob: Buffer): Files {
  const layer = { blob, diffId: sha256(second), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' };
  const layers = [image.layers[0]!, layer];
  const manifest = Buffer.from(JSON.stringify({ ...JSON.parse(image.manifest.toString()), layers: layers.map((l) => descriptor(l.mediaType, l.blob)) }));
  return ociFiles({ ...image, layers, manifest });
}

for (const [name, [files, says]] of Object.entries(layouts)) {
  test(`refused, and nothing left: ${name}`, async (t) => {
    const { images, root, work } = await openFixture(t);
    mkdirSync(work);
    await assert.rejects(images.import({ path: writeFiles(join(work, 'directory'), files) }), { kind: 'invalid', message: says });
    assert.deepEqual(contentsOf(root), []);
    if ('repositories' in files) return; // as a tar it is a root file system with a strange file
    writeFileSync(join(work, 'archive.tar.gz'), gzipSync(tarOf(files)));
    await assert.rejects(images.import({ path: join(work, 'archive.tar.gz') }), { kind: 'invalid', message: says });
    assert.deepEqual(contentsOf(root), []);
    assert.deepEqual(images.list(), []);
  });
}

const archive = tarOf(ociFiles(image, 'whole'));
const files: Record<string, [bytes: Buffer, says: RegExp]> = {
  garbage: [Buffer.alloc(10_000, 'garbage'), /is no image: it is neither a tar archive/],
  'nothing at all': [Buffer.alloc(0), /is no image/],
  'a tar that ends in a layer': [archive.subarray(0, archive.indexOf(secondBlob) + 20), /damaged: it ends within "blobs/],
  'a gzip that ends early': [gzipSync(archive).subarray(0, -200), /damaged: its gzip data cannot be decompressed: it ends too early/],
  'a root file system that ends early': [first.subarray(0, 2000), /archive/],
  'a gzipped root file system that ends early': [
    gzipSync(tar({ path: 'a', content: Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(32 + ((i * 7919) % 90))).join('') })).subarray(0, -100),
    /ends too early/,
  ],
  bzip2: [Buffer.from('BZh91AY&SY'), /bzip2, which is not supported/],
};
for (const [name, [bytes, says]] of Object.entries(files)) {
  test(`refused, and nothing left: ${name}`, async (t) => {
    const { images, root, work } = await openFixture(t);
    mkdirSync(work);
    writeFileSync(join(work, 'file'), bytes);
    await assert.rejects(images.import({ path: join(work, 'file') }), { kind: 'invalid', message: says });
    await assert.rejects(
      images.import(
        (async function* () {
          yield bytes;
        })(),
      ),
      { kind: 'invalid', message: says },
    );
    assert.deepEqual(contentsOf(root), []);
  });
}

test('a client that goes away in the middle leaves nothing', async (t) => {
  const { images, root } = await openFixture(t);
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield archive.subarray(0, 3000);
    throw new Error('the client is gone');
  };
  await assert.rejects(images.import(broken()), /the client is gone/);
  assert.deepEqual(contentsOf(root), []);
});

test('a layout whose files are links to the host’s is not read through them', async (t) => {
  const { images, root, work } = await openFixture(t);
  writeFiles(work, { ...dockerFiles(image, null), 'manifest.json': manifestJson({ Config: 'config' }) });
  symlinkSync('/etc/passwd', join(work, 'config'));
  await assert.rejects(images.import({ path: work }), /lacks the file "config"/);
  assert.deepEqual(contentsOf(root), []);
});

test('what does not exist, and what is no file, is said so', async (t) => {
  const { images } = await openFixture(t);
  await assert.rejects(images.import({ path: '/nonexistent/image.tar' }), {
    kind: 'not-found',
    message: /import \/nonexistent\/image\.tar: no such file or directory \(ENOENT\)/,
  });
  await assert.rejects(images.import({ path: '/dev/zero' }), /neither a file nor a directory/);
});

test('a damaged image does not take along what another image has in common with it', async (t) => {
  const { images, root, work } = await openFixture(t);
  await images.import({ path: writeFiles(join(work, 'good'), ociFiles(makeImage([first]), 'good')) });
  const before = contentsOf(root);
  await assert.rejects(images.import({ path: writeFiles(join(work, 'bad'), { ...ociFiles(image, 'good'), [blobName(secondBlob)]: secondBlob.subarray(1) }) }));
  assert.deepEqual(contentsOf(root), before);
  assert.equal(images.resolve('good').lower.length, 1);
});
