/** A container's changes, made through a real overlay mount: packed as a layer, listed as a diff, and applied again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { needsRoot } from '../../test/support/needs.ts';
import { changeLetter, changes } from './diff.ts';
import { extractLayer } from './layer-extract.ts';
import { packLayer } from './layer-pack.ts';
import { describeTree, gather, inChunks, setXattr, temporaryDirectory } from './tar/tree-fixture.ts';

const skip = needsRoot();

const lowerScript = `
mkdir -p base/etc base/var/log base/usr/bin base/gone/sub base/remade top/etc
echo a > base/etc/a; echo b > base/etc/b; echo c > top/etc/c; echo tool > base/usr/bin/tool; chmod 4755 base/usr/bin/tool
touch base/gone/x base/gone/sub/y base/remade/old base/remade/both base/var/log/keep; ln -s a base/etc/link
find base top -exec touch -h -d @1000000000 {} +`;

const changeScript = `
echo changed >> etc/a; rm etc/b; rm -r gone; rm -r remade; mkdir remade; echo new > remade/both; echo new > remade/new
mkdir -p opt/app/deep; echo f > opt/app/deep/f; ln opt/app/deep/f opt/app/g; rm etc/link; mkdir etc/link; echo n > etc/link/n
chmod 700 var; touch usr/bin/extra; cp -p usr/bin/tool usr/bin/again`;

interface Overlay {
  readonly root: string;
  readonly upper: string;
  /** Top first. */
  readonly lowers: readonly string[];
  /** What the container saw in the end. */
  readonly merged: readonly string[];
}

/** Mounts an overlay in a mount namespace of its own, and lets a script change it. */
function overlay(t: TestContext): Overlay {
  const root = temporaryDirectory(t);
  execFileSync('sh', ['-ec', lowerScript], { cwd: root });
  for (const name of ['upper', 'work', 'merged', 'seen']) mkdirSync(join(root, name));
  const mount = 'mount -t overlay -o lowerdir=top:base,upperdir=upper,workdir=work,redirect_dir=off,metacopy=off overlay merged';
  execFileSync('unshare', ['-m', 'sh', '-ec', `${mount}; (cd merged; ${changeScript}); cp -a merged/. seen/`], { cwd: root });
  return { root, upper: join(root, 'upper'), lowers: [join(root, 'top'), join(root, 'base')], merged: describeTree(join(root, 'seen')) };
}

const names = (archive: Buffer): string[] => execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'utf8' }).trim().split('\n');

test('the layer of a container has whiteouts as files, and only the opaque markers that it needs', { skip }, async (t) => {
  const { upper, lowers } = overlay(t);
  const packed = names(await gather(packLayer(upper, lowers)));
  assert.deepEqual(packed, [
    'etc/',
    'etc/a',
    'etc/.wh.b',
    'etc/link/',
    'etc/link/n',
    '.wh.gone',
    'opt/',
    'opt/app/',
    'opt/app/deep/',
    'opt/app/deep/f',
    'opt/app/g',
    'remade/',
    'remade/.wh..wh..opq',
    'remade/both',
    'remade/new',
    'usr/',
    'usr/bin/',
    'usr/bin/again',
    'usr/bin/extra',
    'var/',
  ]);
});

test('extracted as a layer again, an overlay of it shows what the container saw; so does applying it', { skip }, async (t) => {
  const { root, upper, lowers, merged } = overlay(t);
  const archive = await gather(packLayer(upper, lowers));
  for (const name of ['again', 'applied', 'shown']) mkdirSync(join(root, name));
  const extract = async (name: string, whiteouts: 'overlay' | 'apply'): Promise<void> => {
    const fd = openSync(join(root, name), 'r');
    await extractLayer(inChunks(archive, 3000), { fd }, { whiteouts, lower: lowers });
    closeSync(fd);
  };
  await extract('again', 'overlay');
  execFileSync('unshare', ['-m', 'sh', '-ec', 'mount -t overlay -o lowerdir=again:top:base overlay merged; cp -a merged/. shown/'], { cwd: root });
  // The root's own time is not part of a layer; that of a hard-linked file's directory is.
  assert.deepEqual(describeTree(join(root, 'shown')).slice(1), merged.slice(1));

  execFileSync('sh', ['-ec', 'cp -a base/. applied/; cp -a top/. applied/'], { cwd: root });
  await extract('applied', 'apply');
  assert.deepEqual(describeTree(join(root, 'applied')).slice(1), merged.slice(1));
});

test('without the layers below, every opaque directory is marked', { skip }, async (t) => {
  const { upper } = overlay(t);
  assert.ok(names(await gather(packLayer(upper))).includes('etc/link/.wh..wh..opq'));
});

test('what redirect_dir or metacopy left incomplete is refused', { skip }, async (t) => {
  const upper = temporaryDirectory(t);
  mkdirSync(join(upper, 'moved'));
  setXattr(join(upper, 'moved'), 'trusted.overlay.redirect', '/old');
  await assert.rejects(gather(packLayer(upper)), /cannot pack "moved" as part of a layer: it has trusted\.overlay\.redirect/);
});

test('a diff lists what was added, changed and deleted, and the directories above', { skip }, (t) => {
  const { upper, lowers } = overlay(t);
  assert.deepEqual(
    changes(upper, lowers).map(({ kind, path }) => `${changeLetter(kind)} ${path}`),
    [
      'C /etc',
      'C /etc/a',
      'D /etc/b',
      'C /etc/link',
      'A /etc/link/n',
      'D /gone',
      'A /opt',
      'A /opt/app',
      'A /opt/app/deep',
      'A /opt/app/deep/f',
      'A /opt/app/g',
      'C /remade',
      'C /remade/both',
      'A /remade/new',
      'D /remade/old',
      'C /usr',
      'C /usr/bin',
      'A /usr/bin/again',
      'A /usr/bin/extra',
      'C /var',
    ],
  );
});

test('a diff leaves out whiteouts of nothing, and directories that are as they were', { skip }, (t) => {
  const root = temporaryDirectory(t);
  execFileSync('sh', ['-ec', 'mkdir -p lower/a/b upper/a/b; touch -d @1000 lower/a/b lower/a upper/a/b upper/a; mknod upper/never c 0 0'], { cwd: root });
  assert.deepEqual(changes(join(root, 'upper'), [join(root, 'lower')]), []);
  writeFileSync(join(root, 'upper/a/b/new'), '');
  execFileSync('sh', ['-ec', 'touch -d @1000 upper/a/b'], { cwd: root });
  assert.deepEqual(
    changes(join(root, 'upper'), [join(root, 'lower')]).map((c) => [c.kind, c.path]),
    [
      [0, '/a'],
      [0, '/a/b'],
      [1, '/a/b/new'],
    ],
  );
  rmSync(join(root, 'upper/a'), { recursive: true });
});
