/** Whiteouts that are files with an attribute (Linux 6.7): every reader of layers says of them what the kernel does. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { needsRoot } from '../../../test/support/needs.ts';
import { kernelAtLeast } from '../../kernel/release.ts';
import { changes } from '../../storage/diff.ts';
import { LayerStack } from '../../storage/layer-lookup.ts';
import { packLayer } from '../../storage/layer-pack.ts';
import { gather, setXattr, temporaryDirectory } from '../../storage/tar/tree-fixture.ts';
import { changedFiles } from './changes.ts';
import { list } from './files.ts';
import { layerMarks } from './marks.ts';
import { stackOf, withStack, type OpenStack } from './stack.ts';
import { waste } from './waste.ts';
import { which } from './which.ts';

const skip = needsRoot() || (kernelAtLeast(6, 7) ? false : 'Linux 6.7 has such whiteouts first');

/** `d/gone` has the attribute in a directory that says so, `e/gone` in one that does not; `d/empty` is an empty file without it. */
function layers(t: TestContext): { readonly root: string; readonly top: string; readonly low: string } {
  const root = temporaryDirectory(t);
  const [top, low] = [join(root, 'top'), join(root, 'low')];
  for (const name of ['d', 'e']) {
    for (const layer of [top, low]) mkdirSync(join(layer, name), { recursive: true });
    writeFileSync(join(low, name, 'gone'), 'content');
    writeFileSync(join(top, name, 'gone'), '');
    setXattr(join(top, name, 'gone'), 'trusted.overlay.whiteout', 'y');
  }
  setXattr(join(top, 'd'), 'trusted.overlay.opaque', 'x');
  writeFileSync(join(top, 'd/empty'), '');
  return { root, top, low };
}

test('they are not there to the kernel, and to none of the readers', { skip }, async (t) => {
  const { root, top, low } = layers(t);
  mkdirSync(join(root, 'merged'));
  const script = 'mount -t overlay -o lowerdir=top:low overlay merged; for f in d/gone e/gone d/empty; do [ ! -e merged/$f ] || echo $f; done';
  const there = execFileSync('unshare', ['-m', 'sh', '-ec', script], { cwd: root, encoding: 'utf8' });
  assert.equal(there, 'd/empty\n', 'the kernel');

  const lookup = new LayerStack([top, low]);
  t.after(() => lookup.close());
  const inStack = <T>(use: (stack: OpenStack) => T): T => withStack(stackOf('it', top, [low]), use);
  for (const path of ['d/gone', 'e/gone']) {
    assert.equal(lookup.stat(path), undefined, path);
    assert.equal(inStack((stack) => which(stack, path)).layers[0]!.found, 'whiteout', path);
  }
  assert.deepEqual([lookup.list('d'), lookup.list('e')], [['empty'], []]);
  const all = inStack((stack) => [...list(stack, '/', { recursive: true })]);
  assert.deepEqual(
    all.map(({ path }) => path),
    ['/d', '/d/empty', '/e'],
  );
  assert.deepEqual(
    changes(top, [low]).map(({ kind, path }) => [kind, path]),
    [
      [0, '/d'],
      [1, '/d/empty'],
      [2, '/d/gone'],
      [0, '/e'],
      [2, '/e/gone'],
    ],
  );
  assert.deepEqual(
    inStack((stack) => changedFiles(stack, { left: 1000 }))
      .filter(({ kind }) => kind === 'deleted')
      .map(({ path }) => path),
    ['/d/gone', '/e/gone'],
  );
  assert.deepEqual(
    inStack(layerMarks).map(({ layer, kind, path, hiddenBytes }) => [layer, kind, path, hiddenBytes]),
    [
      ['upper', 'whiteout', '/d/gone', 7],
      ['upper', 'whiteout', '/e/gone', 7],
    ],
  );
  assert.equal(inStack((stack) => waste(stack, false)).wastedBytes, 14);
  const packed = execFileSync('tar', ['-tf', '-'], { input: await gather(packLayer(top, [low])), encoding: 'utf8' });
  assert.deepEqual(packed.trim().split('\n'), ['d/', 'd/empty', 'd/.wh.gone', 'e/', 'e/.wh.gone']);
});

test('in a layer listed alone they are whiteouts, and names that are no UTF-8 are walked by their bytes', { skip }, (t) => {
  const { top, low } = layers(t);
  execFileSync('sh', ['-ec', String.raw`d=$(printf 'b\377d'); mkdir "$d"; : > "$d/in"`], { cwd: low });
  const alone = withStack(stackOf('it', undefined, [top]), (stack) => [...list(stack, '/', { recursive: true, alone: true })]);
  assert.deepEqual(
    alone.map(({ path, type }) => [path, type]),
    [
      ['/d', 'directory'],
      ['/d/empty', 'file'],
      ['/d/gone', 'whiteout'],
      ['/e', 'directory'],
      ['/e/gone', 'whiteout'],
    ],
  );
  const paths = withStack(stackOf('it', top, [low]), (stack) => [...list(stack, '/', { recursive: true })].map(({ path }) => path));
  assert.deepEqual(paths, ['/b\ufffdd', '/b\ufffdd/in', '/d', '/d/empty', '/e']);
});
