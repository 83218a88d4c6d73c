import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readBounded, replaceFile, writeFileAtomic } from './atomic.ts';
import { Content } from './content.ts';
import { digestOf } from './digest.ts';
import { References, type ManifestDescriptor } from './references.ts';

function makeDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'hako-content-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

test('blobs are kept by digest, once, and checked when read', async (t) => {
  const root = makeDirectory(t);
  const content = Content.open(root);
  const digest = await content.put('hello');
  assert.equal(digest, digestOf('hello'));
  assert.equal(await content.put('hello'), digest);
  assert.deepEqual(content.list(), [digest]);
  assert.equal(content.read(digest, 10).toString(), 'hello');
  assert.throws(() => content.read(digest, 4), { kind: 'invalid', message: /has 5 bytes; at most 4/ });
  assert.throws(() => content.read(digestOf('other'), 10), { kind: 'not-found' });
  writeFileSync(content.pathOf(digest), 'hullo');
  assert.throws(() => content.read(digest, 10), { kind: 'invalid', message: /is damaged/ });
  assert.deepEqual(readdirSync(join(root, 'ingest')), []);
});

test('what is live or leased stays', async (t) => {
  const content = Content.open(makeDirectory(t));
  const [live, leased, dead] = [await content.put('live'), await content.put('leased'), await content.put('dead')];
  const lease = content.leases.begin();
  lease.hold(leased);
  lease.hold(leased);
  assert.equal(await content.sweep(() => new Set([live])), 4);
  assert.deepEqual(content.list().sort(), [live, leased].sort());
  assert.equal(content.has(dead), false);
  lease.release();
  assert.equal(await content.sweep(() => new Set([live])), 6);
});

test('opening empties what a crash left, and refuses a layout of another version', (t) => {
  const root = makeDirectory(t);
  const content = Content.open(root);
  writeFileSync(content.temporary(), 'half');
  Content.open(root);
  assert.deepEqual(readdirSync(join(root, 'ingest')), []);
  writeFileSync(join(root, 'oci-layout'), '{"imageLayoutVersion":"3.0"}');
  assert.throws(() => Content.open(root), { kind: 'invalid', message: /layout version "3\.0"/ });
});

test('names move, manifests without names stay, and all of it is on disk', async (t) => {
  const root = makeDirectory(t);
  Content.open(root);
  const references = await References.open(root);
  const manifest = (text: string): ManifestDescriptor => ({ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf(text), size: 3 });
  const [one, two] = [manifest('one'), manifest('two')];
  const state = (r: References): unknown[] => r.list().map((entry) => [entry.manifest.digest, ...entry.names]);
  await Promise.all([references.set(one), references.set(one, 'a'), references.set(one, 'b')]);
  assert.deepEqual(state(references), [[one.digest, 'a', 'b']]);
  await references.set(two, 'a');
  await references.set(two, 'b');
  assert.deepEqual(state(references), [[two.digest, 'a', 'b'], [one.digest]], 'the first has lost its names');
  await references.untag('a');
  await references.untag('b');
  await references.untag('nobody');
  assert.deepEqual(state(references).length, 2);
  await references.set(one, 'c');
  assert.equal(references.get('c'), one.digest);
  assert.deepEqual(state(await References.open(root)), state(references));
  await references.remove(new Set([one.digest]));
  assert.deepEqual(state(references), [[two.digest]]);

  writeFileSync(join(root, 'index.json'), '{"manifests":[{"mediaType":"x","size":1,"digest":"../x"}]}');
  await assert.rejects(References.open(root), { kind: 'invalid' });
});

test('files are replaced whole or not at all', async (t) => {
  const directory = makeDirectory(t);
  const path = join(directory, 'file');
  await writeFileAtomic(path, 'first', 0o640);
  assert.equal(statSync(path).mode & 0o777, 0o640 & ~process.umask());
  replaceFile(path, 'second');
  assert.equal(readFileSync(path, 'utf8'), 'second');
  await assert.rejects(writeFileAtomic(join(directory, 'missing/file'), 'x'));
  assert.throws(() => replaceFile(directory, 'x'));
  assert.deepEqual(readdirSync(directory), ['file'], 'no temporary file is left');
  assert.throws(() => readBounded(directory, 10), /not a regular file/);
  assert.throws(() => readBounded('/dev/zero', 10), /not a regular file/);
});
