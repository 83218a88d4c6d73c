import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { contentsOf, makeImage, ociFiles, openFixture, sha256, tar, temporaryDirectory, writeFiles } from './fixture.ts';

const image = makeImage(
  [tar({ path: './', type: '5', mode: 0o755 }, { path: 'etc/', type: '5' }, { path: 'etc/old', content: 'old' }, { path: 'etc/kept', content: 'kept' })],
  { config: { User: '1000' } },
);

/** Runs a shell in a mount namespace of its own with an overlay mounted: what a container would do to its writable layer. */
function inOverlay(lower: readonly string[], directory: string, script: string): string {
  const [upper, work, merged] = ['upper', 'work', 'merged'].map((name) => join(directory, name)) as [string, string, string];
  for (const path of [upper, work, merged]) mkdirSync(path);
  const mount = `mount -t overlay overlay -o lowerdir=${lower.join(':')},upperdir=${upper},workdir=${work} ${merged} && cd ${merged} && ${script}`;
  const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-ec', mount], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return upper;
}

test('commit makes an image of what an overlay mount recorded', async (t) => {
  const { images, root } = await openFixture(t);
  await images.import({ path: writeFiles(temporaryDirectory(t), ociFiles(image, 'base')) });
  const base = images.resolve('base');
  const upper = inOverlay(base.lower, temporaryDirectory(t), 'rm etc/old; echo new > etc/new; mkdir -m 1777 tmp; chmod 600 etc/kept');
  const { id } = await images.commit(upper, {
    image: base.id,
    config: base.config,
    changes: ['CMD ["/new"]'],
    comment: 'changed',
    author: 'somebody',
    createdBy: 'sh',
    name: 'docker.io/library/mine:1',
  });
  const { lower, config, chain } = images.resolve('mine:1');
  assert.deepEqual(config, { ...base.config, Cmd: ['/new'] });
  assert.deepEqual(lower.slice(1), base.lower);
  assert.deepEqual(
    images.history(id).map((h) => [h.CreatedBy, h.Comment]),
    [
      ['sh', 'changed'],
      ['step 1', ''],
    ],
  );
  const [diff = ''] = lower;
  assert.ok(statSync(join(diff, 'etc/old')).isCharacterDevice());
  assert.equal(readFileSync(join(diff, 'etc/new'), 'utf8'), 'new\n');
  assert.equal(statSync(join(diff, 'tmp')).mode & 0o7777, 0o1777);
  assert.equal(statSync(join(diff, 'etc/kept')).mode & 0o7777, 0o600);

  // The kernel shows the new image's layers as the container saw them.
  inOverlay(lower, temporaryDirectory(t), 'test ! -e etc/old && test "$(cat etc/new)" = new && test "$(cat etc/kept)" = kept');
  await images.remove('base');
  assert.equal(images.resolve('mine:1').lower.length, 2, 'the committed image keeps what it stands on');
  await images.remove(chain.length ? 'mine:1' : '');
  assert.deepEqual(contentsOf(root), []);
  await assert.rejects(images.commit(upper, { image: base.id, config: {} }), { kind: 'not-found', message: /was removed/ });
  await assert.rejects(images.commit(upper, { config: {}, changes: ['RUN x'] }), { kind: 'invalid' });
  await assert.rejects(images.commit('/nonexistent', { config: {} }), /nonexistent/);
  assert.deepEqual(contentsOf(root), []);
});

test('what is saved is imported again as it was, by names and ids', async (t) => {
  const { images } = await openFixture(t);
  const other = makeImage([tar({ path: 'other', content: 'x'.repeat(3000) })], { compression: 'zstd' });
  await images.import({ path: writeFiles(temporaryDirectory(t), ociFiles(image, 'base')) });
  await images.import({ path: writeFiles(temporaryDirectory(t), ociFiles(other, 'registry.example/other:2')) });
  await images.tag('base', 'base', 'second');

  const imported = async (...refs: string[]): Promise<string[][]> => {
    const { images: target, root } = await openFixture(t);
    const result = await target.import(images.save(refs));
    assert.ok(contentsOf(root).length > 0);
    return result.map(({ id, names }) => [id, ...names]);
  };
  const [base, second] = [sha256(image.config), sha256(other.config)];
  assert.deepEqual(await imported('base:latest'), [[base, 'docker.io/library/base:latest']]);
  assert.deepEqual(await imported('base', 'registry.example/other:2'), [
    [base, 'docker.io/library/base:latest', 'docker.io/library/base:second'],
    [second, 'registry.example/other:2'],
  ]);
  assert.deepEqual(await imported(base), [[base]]);
  assert.throws(() => images.save(['base', 'nowhere']), { kind: 'not-found' });
});

test('a full disk is said so, and leaves nothing', async (t) => {
  const directory = temporaryDirectory(t);
  const big = makeImage([tar({ path: 'big', content: Buffer.alloc(6 << 20, 'x') })]);
  writeFiles(join(directory, 'image'), ociFiles(big, 'big'));
  const script = join(directory, 'import.ts');
  writeFileSync(
    script,
    `import { readdirSync } from 'node:fs';
    import { Images } from '${import.meta.dirname}/images.ts';
    import { LayerPool } from '${import.meta.dirname}/../storage/layer-pool.ts';
    const root = '${directory}/small/root';
    const images = await Images.open(root, new LayerPool(1), { usedBy: () => [], usedLayers: () => [] });
    const message = await images.import({ path: '${directory}/image' }).then(() => 'imported', (error) => error.kind + ': ' + error.message);
    const left = ['images/blobs/sha256', 'images/ingest', 'layers'].flatMap((d) => readdirSync(root + '/' + d));
    console.log(JSON.stringify({ message, left }));`,
  );
  mkdirSync(join(directory, 'small'));
  const { stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', 'sh', '-ec', `mount -t tmpfs -o size=2m tmpfs ${directory}/small; exec ${process.execPath} ${script}`],
    { encoding: 'utf8' },
  );
  const { message, left } = JSON.parse(stdout || JSON.stringify({ message: stderr })) as { message: string; left: string[] };
  assert.match(message, /^failed: .*no space left on device \(ENOSPC\).*free some space/);
  assert.deepEqual(left, []);
  assert.ok(existsSync(directory));
});

test('other tools read what we store and save', async (t) => {
  const tools = ['skopeo', 'umoci'].filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (tools.length) return t.skip(`not installed: ${tools.join(', ')} (apt-get install ${tools.join(' ')})`);
  const { images, root, work } = await openFixture(t);
  await images.import({ path: writeFiles(temporaryDirectory(t), ociFiles(image)) }, { name: 'docker.io/library/base:latest' });
  mkdirSync(work);
  const run = (command: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, TMPDIR: work } });
    assert.equal(status, 0, `${command} ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  const id = sha256(image.config);
  const layout = `oci:${root}/images:docker.io/library/base:latest`;
  assert.equal(sha256(run('skopeo', 'inspect', '--config', '--raw', layout)), id);
  run('umoci', 'unpack', '--image', `${root}/images:docker.io/library/base:latest`, join(work, 'bundle'));
  assert.equal(readFileSync(join(work, 'bundle/rootfs/etc/kept'), 'utf8'), 'kept');

  const saved = join(work, 'saved.tar');
  writeFileSync(saved, Buffer.concat(await Array.fromAsync(images.save(['base']))));
  assert.equal(sha256(run('skopeo', 'inspect', '--config', '--raw', `docker-archive:${saved}:docker.io/library/base:latest`)), id);
  assert.equal(sha256(run('skopeo', 'inspect', '--config', '--raw', `oci-archive:${saved}:latest`)), id);

  // And back: what skopeo writes in each of its formats is what we import.
  for (const format of [`docker-archive:${work}/d.tar:base:latest`, `oci-archive:${work}/o.tar:base:latest`, `oci:${work}/o:base:latest`]) {
    run('skopeo', 'copy', layout, format);
    const { images: target } = await openFixture(t);
    await target.import({ path: format.split(':')[1]! });
    assert.equal(readFileSync(join(target.resolve('base').lower[0]!, 'etc/kept'), 'utf8'), 'kept', format);
    assert.deepEqual(target.resolve('base').config.User, '1000');
  }
});

test('an image that buildah made layer by layer is imported', async (t) => {
  if (spawnSync('sh', ['-c', 'command -v buildah']).status !== 0) return t.skip('not installed: buildah (apt-get install buildah)');
  const work = mkdtempSync('/tmp/hako-buildah-');
  t.after(() => rmSync(work, { recursive: true, force: true }));
  const script = `
    b="buildah --root ${work}/root --runroot ${work}/run --storage-driver vfs"
    c=$($b from scratch); printf one > ${work}/file
    $b copy $c ${work}/file /srv/one; $b config --env A=b --cmd '["/x"]' --label l=m $c; $b commit $c first
    c=$($b from --pull-never first); printf two > ${work}/file; $b copy $c ${work}/file /srv/two; $b commit $c second
    $b push second oci-archive:${work}/second.tar:second:1`;
  const { status, stderr } = spawnSync('sh', ['-ec', script], { encoding: 'utf8', env: { ...process.env, TMPDIR: work } });
  if (status !== 0) return t.skip(`buildah does not work here: ${stderr.slice(-300)}`);
  const { images } = await openFixture(t);
  await images.import({ path: join(work, 'second.tar') });
  const { config, lower } = images.resolve('second:1');
  assert.deepEqual([config.Env?.includes('A=b'), config.Cmd, config.Labels?.['l']], [true, ['/x'], 'm']);
  inOverlay(lower, temporaryDirectory(t), 'test "$(cat srv/one srv/two)" = onetwo');
});
