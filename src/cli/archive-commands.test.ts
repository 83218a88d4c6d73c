/** Commands that carry archives: import, load, save, export, and cp both ways. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { FakeEngine, Refusal, type Answer, type Play } from './engine-fixture.ts';

async function playing(answers: NonNullable<Play['answers']>): Promise<FakeEngine> {
  return new FakeEngine({ answers }).start();
}

/** The names in an archive. */
const listed = (archive: Buffer): string[] => execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' }).trim().split('\n').toSorted();

function tarOf(engine: FakeEngine, files: Readonly<Record<string, string>>): Buffer {
  const tree = join(engine.directory, 'packed');
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(tree, name, '..'), { recursive: true });
    writeFileSync(join(tree, name), text);
  }
  return execFileSync('tar', ['-cf', '-', '-C', tree, ...new Set(Object.keys(files).map((name) => name.split('/')[0]!))]);
}

/** A path inside the container: what X-Docker-Container-Path-Stat says of it. */
const statHeader = (name: string, directory: boolean, linkTarget = ''): string =>
  Buffer.from(JSON.stringify({ name, size: 0, mode: directory ? 0x800001ed : linkTarget ? 0x080001ff : 0o644, mtime: '', linkTarget })).toString('base64');
const stat =
  (paths: Readonly<Record<string, string>>): Answer =>
  ({ query }, response) => {
    const header = paths[query.get('path')!];
    if (!header) throw new Refusal(404, 'no such path');
    response.setHeader('X-Docker-Container-Path-Stat', header);
  };

test('import: a file is sent as it is, a directory as a tar archive, with what is to become of it', async () => {
  const create: Answer = (_r, response) => void response.write('{"status":"sha256:abc"}\n');
  await using engine = await playing({ 'POST /images/create': create });
  const file = join(engine.directory, 'root.tar');
  writeFileSync(file, 'x'.repeat(3_000_000));
  assert.deepEqual(await engine.hako(['image', 'import', '-m', 'note', '-c', 'CMD a', '-c', 'ENV b=c', file, 'h:5/repo:tag']), {
    code: 0,
    stdout: 'sha256:abc\n',
    stderr: '',
  });
  const { query, body } = engine.received[0]!;
  assert.deepEqual(
    [query.get('fromSrc'), query.get('repo'), query.get('tag'), query.get('message'), query.getAll('changes')],
    ['-', 'h:5/repo', 'tag', 'note', ['CMD a', 'ENV b=c']],
  );
  assert.equal(body.length, 3_000_000);
  const layout = join(engine.directory, 'layout');
  mkdirSync(join(layout, 'blobs'), { recursive: true });
  writeFileSync(join(layout, 'oci-layout'), '{}');
  await engine.hako(['import', layout]);
  assert.deepEqual(listed(engine.received[1]!.body), ['./', './blobs/', './oci-layout']);
  assert.equal((await engine.hako(['import', '-', 'x'], 'from stdin')).code, 0);
  assert.equal(engine.received[2]!.body.toString(), 'from stdin');
  const absent = await engine.hako(['import', '/no/such/file']);
  assert.deepEqual([absent.code, absent.stderr], [1, 'hako: cannot read /no/such/file: ENOENT\n']);
  assert.match((await engine.hako(['import', 'https://example.com/x.tar'])).stderr, /hako does not download/);
});

test('load: an error inside the stream is the end', async () => {
  await using engine = await playing({
    'POST /images/load': (_r, response) =>
      void response.write('{"stream":"Loaded image: a:1\\n"}\n{"errorDetail":{"message":"layer 2 is damaged"},"error":"x"}\n'),
  });
  assert.deepEqual(await engine.hako(['load'], 'archive'), { code: 1, stdout: 'Loaded image: a:1\n', stderr: 'hako: layer 2 is damaged\n' });
});

test('save and export: into a file, which appears only whole', async () => {
  await using engine = await playing({
    'GET /images/get': (_r, response) => void response.write('archive'),
    'GET /containers/web/export': (_r, response) => void response.write('tree'),
    'GET /containers/broken/export': (_r, response) => {
      response.write('half');
      setImmediate(() => response.destroy());
      return new Promise(() => {});
    },
  });
  const file = join(engine.directory, 'out.tar');
  assert.equal((await engine.hako(['save', '-o', file, 'a:1', 'b'])).code, 0);
  assert.equal(readFileSync(file, 'utf8'), 'archive');
  assert.deepEqual(engine.received[0]!.query.getAll('names'), ['a:1', 'b']);
  assert.equal((await engine.hako(['export', 'web'])).stdout, 'tree');
  const broken = await engine.hako(['export', '-o', `${file}2`, 'broken']);
  assert.deepEqual([broken.code, existsSync(`${file}2`)], [1, false]);
  const below = await engine.hako(['export', '-o', `${file}/below`, 'web']);
  assert.deepEqual([below.code, below.stderr], [1, `hako: cannot write ${file}/below: ENOTDIR\n`]);
});

test('cp out of a container: into a directory, as another name, contents only, to stdout', async () => {
  await using engine = await playing({});
  const archive = tarOf(engine, { 'etc/passwd': 'root', 'etc/sub/x': 'y' });
  const send: Answer = (_r, response) => void response.setHeader('X-Docker-Container-Path-Stat', statHeader('etc', true)).write(archive);
  await using copying = await playing({ 'GET /containers/web/archive': send });
  const room = join(engine.directory, 'room');
  mkdirSync(room);
  assert.equal((await copying.hako(['cp', 'web:/etc', room])).code, 0);
  assert.equal(readFileSync(join(room, 'etc/passwd'), 'utf8'), 'root');
  assert.equal((await copying.hako(['cp', 'web:etc/', join(room, 'new')])).code, 0);
  assert.equal(readFileSync(join(room, 'new/sub/x'), 'utf8'), 'y');
  assert.equal((await copying.hako(['cp', 'web:/etc/.', join(room, 'etc/sub')])).code, 0);
  assert.equal(readFileSync(join(room, 'etc/sub/sub/x'), 'utf8'), 'y');
  assert.deepEqual(
    copying.received.map((r) => r.query.get('path')),
    ['/etc', '/etc', '/etc'],
  );
  assert.equal((await copying.hako(['cp', 'web:/etc', '-'])).stdout.length, archive.length);
  writeFileSync(join(room, 'file'), '');
  assert.match((await copying.hako(['cp', 'web:/etc', join(room, 'file')])).stderr, /cannot copy a directory to the file/);
  assert.match((await copying.hako(['cp', 'web:/etc', join(room, 'none/deeper')])).stderr, /the directory .* does not exist/);
});

test('cp into a container: into a directory, as another name, contents only, through a link', async () => {
  const heads = stat({ '/dir': statHeader('dir', true), '/file': statHeader('file', false), '/link': statHeader('link', false, 'dir') });
  await using engine = await playing({ 'HEAD /containers/web/archive': heads, 'PUT /containers/web/archive': () => undefined });
  const source = join(engine.directory, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'a'), 'A');
  const put = async (from: string, to: string): Promise<[string | null, string[]]> => {
    const { code, stderr } = await engine.hako(['cp', from, `web:${to}`]);
    assert.equal(code, 0, stderr);
    const { query, body } = engine.received.at(-1)!;
    return [query.get('path'), listed(body)];
  };
  assert.deepEqual(await put(source, '/dir'), ['/dir', ['source/', 'source/a']]);
  assert.deepEqual(await put(`${source}/.`, '/dir'), ['/dir', ['./', './a']]);
  assert.deepEqual(await put(source, '/fresh'), ['/', ['fresh/', 'fresh/a']]);
  assert.deepEqual(await put(join(source, 'a'), '/file'), ['/', ['file']]);
  assert.deepEqual(await put(join(source, 'a'), '/link'), ['/dir', ['a']]);
  assert.match((await engine.hako(['cp', source, 'web:/file'])).stderr, /cannot copy a directory to the file/);
  assert.match((await engine.hako(['cp', join(source, 'a'), 'web:/fresh/'])).stderr, /the destination directory web:\/fresh\/ does not exist/);
  assert.equal((await engine.hako(['cp', '-', 'web:/dir'], 'tar bytes')).code, 0);
  assert.equal(engine.received.at(-1)!.body.toString(), 'tar bytes');
  assert.match((await engine.hako(['cp', 'a:/x', 'b:/y'])).stderr, /copying between containers is not supported/);
});
