/** What a writable layer holds and what it cost, for layers that the kernel itself wrote to through a mount. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { needsRoot } from '../../../test/support/needs.ts';
import { describeTree, gather, temporaryDirectory } from '../../storage/tar/tree-fixture.ts';
import { applied, explained } from '../interpret.ts';
import { changedFiles, type ChangedFile } from './changes.ts';
import { differingBytes } from './difference.ts';
import { layerMarks } from './marks.ts';
import { pack, type PackPlan } from './pack.ts';
import { stackOf, withStack, type Stack } from './stack.ts';

const skip = needsRoot();

const below = `
mkdir -p low/d low/gone low/remade low/app top/app
head -c 3000000 /dev/urandom > low/big; head -c 5000 /dev/urandom > low/mode; head -c 700 /dev/urandom > low/d/old-name
echo config > low/d/replaced; echo same > top/app/two; echo same > top/app/names; ln top/app/names top/app/more; echo x > low/gone/x; echo y > low/remade/y; ln -s big low/link
truncate -s 1000000 low/sparse; printf data >> low/sparse
mkdir upper work merged`;

const change = `
printf Z | dd of=big bs=1 seek=1234567 conv=notrunc 2>/dev/null
chmod 600 mode; mv d/old-name d/new-name; rm d/replaced; echo new > d/replaced; echo more >> app/two; echo more >> app/names
head -c 100 /dev/zero > added; rm -r gone; rm -r remade; mkdir remade; chmod 700 app; chown -h 5:5 link; printf D >> sparse`;

/** Mounts in a mount namespace of its own, and lets a script change it. */
function overlay(t: TestContext, options = 'redirect_dir=off,metacopy=off', script = change): { readonly root: string; readonly stack: Stack } {
  const root = temporaryDirectory(t);
  execFileSync('sh', ['-ec', below], { cwd: root });
  const mount = `mount -t overlay -o lowerdir=top:low,upperdir=upper,workdir=work,${options} overlay merged`;
  execFileSync('unshare', ['-m', 'sh', '-ec', `${mount}; (cd merged; ${script}); mkdir seen; cp -a merged/. seen/`], { cwd: root });
  return { root, stack: stackOf('the test', join(root, 'upper'), [join(root, 'top'), join(root, 'low')]) };
}

const changesOf = (stack: Stack, compare = 2 ** 30): ChangedFile[] => withStack(stack, (open) => changedFiles(open, { left: compare }));
const facts = ({ path, kind, from, copiedBytes, changedBytes, size }: ChangedFile): unknown[] => [path, kind, from, copiedBytes, changedBytes, size];

test('one byte that was written costs the whole file, and what was not copied is told apart', { skip }, (t) => {
  const { stack } = overlay(t);
  const files = changesOf(stack);
  const of = (path: string): ChangedFile => files.find((file) => file.path === path)!;
  assert.deepEqual(facts(files[0]!), ['/big', 'copied up', '1', 3_000_000, 1, 3_000_000]);
  assert.deepEqual(facts(of('/mode')), ['/mode', 'copied up', '1', 5000, 0, 5000]);
  assert.deepEqual([...facts(of('/d/new-name')), of('/d/new-name').movedFrom], ['/d/new-name', 'moved', '1', 700, 0, 700, '/d/old-name']);
  assert.deepEqual(facts(of('/d/replaced')), ['/d/replaced', 'replaced', '1', undefined, undefined, 4]);
  assert.deepEqual(facts(of('/app/two')), ['/app/two', 'copied up', '2', 5, 5, 10]);
  // The kernel breaks such a link, and notes no origin.
  assert.equal(of('/app/names').kind, 'replaced');
  assert.deepEqual(facts(of('/added')), ['/added', 'added', undefined, undefined, undefined, 100]);
  assert.deepEqual(facts(of('/gone')), ['/gone', 'deleted', '1', undefined, undefined, undefined]);
  assert.deepEqual([of('/remade').kind, of('/remade').opaque], ['replaced', true]);
  assert.deepEqual([of('/remade/y').kind, of('/d/old-name').kind], ['deleted', 'deleted']);
  assert.deepEqual([of('/app').kind, of('/app').from], ['attributes', '2']);
  assert.deepEqual(facts(of('/link')).slice(0, 5), ['/link', 'copied up', '1', 0, undefined]);
  // Of a sparse file only the data is copied: here the one block at its end.
  assert.ok(of('/sparse').copiedBytes! <= 65_536, `${of('/sparse').copiedBytes}`);
  assert.equal(of('/sparse').changedBytes, 1);
  assert.equal(Date.parse(of('/big').at!), Math.floor(statSync(join(stack.layers[0]!.directory, 'big')).birthtimeMs / 1000) * 1000);
});

test('what is not to be read is not compared', { skip }, (t) => {
  const { stack } = overlay(t);
  const big = changesOf(stack, 1_000_000).find(({ path }) => path === '/big')!;
  assert.deepEqual([big.copiedBytes, big.changedBytes], [3_000_000, undefined]);
});

test('where attributes alone are copied up, nothing was', { skip }, (t) => {
  const { stack } = overlay(t, 'redirect_dir=on,metacopy=on', 'chmod 600 mode; mv d moved');
  const mode = changesOf(stack).find(({ path }) => path === '/mode')!;
  assert.deepEqual([mode.kind, mode.copiedBytes, mode.from], ['copied up', 0, '1']);
  assert.deepEqual(
    withStack(stack, (open) => layerMarks(open)).map(({ layer, kind, path, target }) => [layer, kind, path, target]),
    [
      ['upper', 'whiteout', '/d', undefined],
      ['upper', 'metacopy', '/mode', undefined],
      ['upper', 'redirect', '/moved', 'd'],
    ],
  );
});

test('a layer has its marks listed, with what each hides', { skip }, (t) => {
  const { stack } = overlay(t);
  assert.deepEqual(
    withStack(stack, (open) => layerMarks(open)).map((m) => [m.layer, m.kind, m.path, m.hiddenFiles, m.hiddenBytes]),
    [
      ['upper', 'whiteout', '/d/old-name', 1, 700],
      ['upper', 'whiteout', '/gone', 1, 2],
      ['upper', 'opaque', '/remade', 1, 2],
    ],
  );
});

test('one layer alone changed nothing that can be told', { skip }, (t) => {
  const { root } = overlay(t);
  assert.throws(() => changesOf(stackOf('it', undefined, [join(root, 'upper')])), /it is one layer, and what it changed is seen only against those below/);
});

const packed = async (plan: Omit<PackPlan, 'output' | 'whiteouts'> & Partial<PackPlan>): Promise<Buffer> => {
  let tar = Buffer.alloc(0);
  const save = async (source: Readable): Promise<void> => void (tar = Buffer.from(await gather(source)));
  await applied(pack({ output: '-', whiteouts: 'overlay', ...plan }, save));
  return tar;
};

test('packed as a directory, the layer shows in an overlay what the one before showed', { skip }, async (t) => {
  const { root, stack } = overlay(t);
  await packed({ stack, directory: join(root, 'layer') });
  execFileSync('unshare', ['-m', 'sh', '-ec', 'mkdir shown; mount -t overlay -o lowerdir=layer:top:low overlay merged; cp -a merged/. shown/'], { cwd: root });
  assert.deepEqual(describeTree(join(root, 'shown')).slice(1), describeTree(join(root, 'seen')).slice(1));
});

test('as a tar or a directory of files, whiteouts have the names that images give them', { skip }, async (t) => {
  const { root, stack } = overlay(t);
  writeFileSync(join(root, 'layer.tar'), await packed({ stack }));
  const names = execFileSync('tar', ['-tf', 'layer.tar'], { cwd: root, encoding: 'utf8' }).split('\n');
  for (const name of ['d/.wh.old-name', '.wh.gone', 'remade/.wh..wh..opq']) assert.ok(names.includes(name), name);
  await packed({ stack, directory: join(root, 'files'), whiteouts: 'files' });
  assert.equal(readFileSync(join(root, 'files/d/.wh.old-name'), 'utf8'), '');
  await assert.rejects(packed({ stack, directory: join(root, 'files') }), /files is there already: name a directory that is to be made/);
});

test('the shell line of an explanation makes the same layer', { skip }, async (t) => {
  const { root, stack } = overlay(t);
  const [step] = explained(pack({ stack, output: join(root, 'by-hand.tar'), whiteouts: 'overlay' }, () => Promise.reject(new Error('nothing is done'))));
  execFileSync('sh', ['-c', step!.shell], { env: { ...process.env, TMPDIR: root } });
  const entries = (tar: string): string[] =>
    execFileSync('tar', ['-tf', tar], { encoding: 'utf8' })
      .split('\n')
      .map((name) => name.replace(/^\.\//, ''))
      .filter(Boolean)
      .sort();
  writeFileSync(join(root, 'layer.tar'), await packed({ stack }));
  // Which opaque directories hide nothing a shell does not ask.
  assert.deepEqual(
    entries(join(root, 'by-hand.tar')).filter((name) => !name.endsWith('.opq')),
    entries(join(root, 'layer.tar')).filter((name) => !name.endsWith('.opq')),
  );
});

test('differing bytes are counted at every place and every length', (t) => {
  const root = temporaryDirectory(t);
  const a = Buffer.alloc(2_500_000, 'abc');
  const b = Buffer.from(a);
  const places = [0, 1, 63, 64, 65, 1_048_575, 1_048_576, 2_499_999];
  for (const place of places) b[place] = 0;
  const fds = [a, b].map((bytes, i) => {
    writeFileSync(join(root, String(i)), bytes);
    return openSync(join(root, String(i)), 'r');
  });
  assert.equal(differingBytes(fds[0]!, fds[1]!, a.length), places.length);
  assert.equal(differingBytes(fds[0]!, fds[1]!, a.length + 10), places.length + 10);
  fds.forEach((fd) => closeSync(fd));
});
