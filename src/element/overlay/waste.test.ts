import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { needsRoot } from '../../../test/support/needs.ts';
import { procPath } from '../../kernel/file-at.ts';
import { openOverlay } from '../../runtime/rootfs/rootfs.ts';
import { setXattr, temporaryDirectory } from '../../storage/tar/tree-fixture.ts';
import { stackOf, withStack } from './stack.ts';
import { waste, type Waste } from './waste.ts';

const skip = needsRoot();

/** Three layers in which every way of waste is once, with sizes that tell them apart in a sum. */
const script = `
size() { head -c "$1" /dev/zero | tr '\\0' "$3" > "$2"; }
mkdir -p 1/etc 1/opt/app/sub 1/usr 2/etc 2/usr 3/opt/app
size 1000 1/etc/config a;      size 1001 2/etc/config b; size 1002 3/config c   # 1000 overwritten in 2
size 2000 1/opt/app/data d;    size 30   1/opt/app/sub/more e                  # 2030 hidden by an opaque directory in 3
size 7    3/opt/app/new f
size 500  1/usr/gone g;        mknod 2/usr/gone c 0 0                           # 500 deleted in 2
size 40   1/usr/mode h;        size 40   2/usr/mode h; chmod 600 2/usr/mode     # 40 copied for its mode alone
size 60   1/usr/one i;         size 60 3/twin i                                 # there twice
size 80   1/usr/linked j;      ln 1/usr/linked 1/usr/other; mknod 2/usr/linked c 0 0  # one name is left
size 90   1/usr/both k;        ln 1/usr/both 1/usr/both2; mknod 2/usr/both c 0 0; mknod 3/both2 c 0 0
ln -s config 1/etc/link; size 3 1/dir-or-file l; mkdir 2/dir-or-file; size 5 2/dir-or-file/x m   # 3 overwritten by a directory
`;

function fixture(t: TestContext): { readonly root: string; readonly count: (compare?: boolean) => Waste } {
  const root = temporaryDirectory(t);
  execFileSync('sh', ['-ec', script], { cwd: root });
  setXattr(join(root, '3/opt/app'), 'trusted.overlay.opaque', 'y');
  const lower = ['3', '2', '1'].map((name) => join(root, name));
  const stack = stackOf('the fixture', undefined, lower, { createdBy: ['RUN third', undefined, 'ADD first'] });
  return { root, count: (compare = true) => withStack(stack, (open) => waste(open, compare)) };
}

test('the bytes of waste are those counted by hand', { skip }, (t) => {
  const { count } = fixture(t);
  const counted = count();
  const first = 1000 + 2000 + 30 + 500 + 40 + 60 + 80 + 90 + 3;
  const [second, third] = [1001 + 40 + 5, 1002 + 7 + 60];
  const wasted = 1000 + 2030 + 500 + 40 + 3;
  assert.deepEqual([counted.bytes, counted.wastedBytes, counted.shownBytes], [first + second + third, wasted, first + second + third - wasted]);
  assert.equal(counted.efficiency, counted.shownBytes / counted.bytes);
  assert.deepEqual(
    counted.layers.map((l) => [l.layer, l.createdBy, l.files, l.bytes, l.wastedBytes, l.hidesBytes]),
    [
      ['3', 'RUN third', 3, third, 0, 2030],
      ['2', undefined, 3, second, 0, 1543],
      ['1', 'ADD first', 10, first, wasted, 0],
    ],
  );
  assert.deepEqual(
    counted.files.map((f) => [f.path, f.bytes, f.how, f.in.map((i) => `${i.layer}<${i.hiddenBy}`).join(), f.sameContent]),
    [
      ['/opt/app/data', 2000, 'deleted', '1<3', undefined],
      ['/etc/config', 1000, 'overwritten', '1<2', undefined],
      ['/usr/gone', 500, 'deleted', '1<2', undefined],
      ['/usr/mode', 40, 'overwritten', '1<2', true],
      ['/opt/app/sub/more', 30, 'deleted', '1<3', undefined],
      ['/dir-or-file', 3, 'overwritten', '1<2', undefined],
    ],
  );
  assert.deepEqual(counted.duplicates, [
    {
      size: 60,
      bytes: 60,
      files: [
        { layer: '3', path: '/twin' },
        { layer: '1', path: '/usr/one' },
      ].toReversed(),
    },
  ]);
});

test('without comparing, nothing is read; the waste is the same', { skip }, (t) => {
  const { count } = fixture(t);
  const { duplicates, files, wastedBytes } = count(false);
  assert.deepEqual([duplicates, files.some((f) => f.sameContent), wastedBytes], [undefined, false, count().wastedBytes]);
});

test('what is shown is as much as the mounted overlay has', { skip }, (t) => {
  const { root, count } = fixture(t);
  const mount = openOverlay({ lower: ['3', '2', '1'].map((name) => join(root, name)), upper: '', work: '', target: '' }, true);
  assert.ok(mount >= 0);
  t.after(() => closeSync(mount));
  const seen = execFileSync('find', [`${procPath(3)}/`, '-type', 'f', '-printf', '%i %s\\n'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit', mount],
  });
  const sizes = new Map(
    seen
      .trim()
      .split('\n')
      .map((line) => line.split(' ') as [string, string]),
  );
  assert.equal(
    count().shownBytes,
    [...sizes.values()].reduce((sum, size) => sum + Number(size), 0),
  );
});

test('layers that only options of a mount make whole are not counted', { skip }, (t) => {
  const { root, count } = fixture(t);
  setXattr(join(root, '2/usr'), 'trusted.overlay.redirect', 'lib');
  assert.throws(() => count(), /the fixture cannot be counted: \/usr in layer 2 is redirected to another name/);
});
