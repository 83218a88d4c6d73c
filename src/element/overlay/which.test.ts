/** What `which` says of random layers, held against what an overlay mounted of them shows. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chownSync, closeSync, lstatSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { needsRoot } from '../../../test/support/needs.ts';
import { closeFd, isDirectory, procPath, readDirectory, S_IFCHR, S_IFLNK, S_IFMT, statAt, statFd, tryOpenAt, tryOpenInRoot } from '../../kernel/file-at.ts';
import { openFlags } from '../../kernel/flags.ts';
import { parseMountinfo } from '../../kernel/mountinfo.ts';
import { openOverlay } from '../../runtime/rootfs/rootfs.ts';
import { makeNode, setXattr, temporaryDirectory } from '../../storage/tar/tree-fixture.ts';
import { LayerStack } from '../../storage/layer-lookup.ts';
import { overlayAt, stackOfDirectories, stackOfMount, withStack } from './stack.ts';
import { which, type Which } from './which.ts';

const skip = needsRoot();

/** Numbers that look random, and come again with the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Names of few letters, so that layers meet at them. */
const names = ['a', 'b', 'c', 'd'];

/** Fills a directory with files, directories, links, whiteouts and opaque directories. @param owner that all of it has: it tells the layer */
function fill(directory: string, below: (n: number) => number, owner: number, depth = 0): void {
  for (const name of names) {
    const path = join(directory, name);
    const kind = below(10); // at the top mostly directories
    if (kind < (depth === 0 ? 7 : 4) && depth < 3) {
      mkdirSync(path);
      fill(path, below, owner, depth + 1);
      if (below(4) === 0) setXattr(path, 'trusted.overlay.opaque', 'y');
      chownSync(path, owner, owner);
    } else if (kind < 6) {
      writeFileSync(path, path);
      chownSync(path, owner, owner);
    } else if (kind === 6) makeNode(path, S_IFCHR, 0, 0);
    else if (kind === 7) {
      symlinkSync(['..', '/a', 'b', '../c/d', 'nowhere'][below(5)]!, path);
      execFileSync('chown', ['-h', `${owner}:${owner}`, path]);
    }
  }
}

/** All paths of up to four of the names. */
function* paths(prefix = ''): Generator<string> {
  for (const name of names) {
    yield prefix + name;
    if (prefix.length < 6) yield* paths(`${prefix}${name}/`);
  }
}

const ownerOf = (index: number): number => 1000 + index;

for (const seed of [1, 2, 3, 4, 5, 7]) {
  test(`three layers, made with seed ${seed}: which layer answers is what the mounted overlay shows`, { skip }, (t) => {
    const root = temporaryDirectory(t);
    const below = generator(seed);
    const layers = ['top', 'middle', 'base'].map((name, i) => {
      mkdirSync(join(root, name));
      fill(join(root, name), below, ownerOf(i));
      return join(root, name);
    });
    const mount = openOverlay({ lower: layers, upper: '', work: '', target: '' }, true);
    assert.ok(mount >= 0, `the overlay cannot be mounted: errno ${-mount}`);
    t.after(() => closeSync(mount));
    const lookup = new LayerStack(layers);
    t.after(() => lookup.close());
    let shown = 0;
    withStack(stackOfDirectories(layers.join(':'), 'trusted'), (stack) => {
      for (const path of paths()) {
        const fd = tryOpenInRoot(mount, path, openFlags.O_PATH | openFlags.O_NOFOLLOW);
        let answer: Which;
        try {
          answer = which(stack, path);
        } catch (error) {
          assert.match(String(error), /ELOOP/);
          assert.ok(fd < 0, `${path} is there`);
          continue;
        }
        if (fd < 0) {
          assert.equal(answer.shown, null, `${path} is not there, but ${JSON.stringify(answer, null, 1)}`);
          continue;
        }
        shown++;
        const status = statFd(fd);
        const index = status.uid - ownerOf(0);
        assert.equal(answer.shown, String(3 - index), `${path}: ${JSON.stringify(answer, null, 1)}`);
        const found = answer.layers[index]!;
        if ((status.mode & S_IFMT) === S_IFLNK) assert.equal(found.file!.type, 'link');
        else if (!isDirectory(status)) assert.equal(readFileSync(procPath(fd), 'utf8'), join(layers[index]!, answer.path));
        else assert.deepEqual(namesIn(fd), namesOfMerged(layers, answer), path);
        if (isDirectory(status)) assert.deepEqual(lookup.list(answer.path.slice(1)), namesIn(fd), path);
        closeFd(fd);
      }
    });
    assert.ok(shown > 20, `only ${shown} paths were there`);
  });
}

/** The names in the mounted overlay's directory. Of one that only one layer has, the kernel lists whiteouts too, which then are not there. */
function namesIn(fd: number): string[] {
  const directory = tryOpenAt(fd, '.', openFlags.O_DIRECTORY);
  try {
    return readDirectory(directory).flatMap(({ name }) => (statAt(directory, name) ? [name] : []));
  } finally {
    closeFd(directory);
  }
}

/** The names that the directories have which `which` says are merged, from the top, without whiteouts. */
function namesOfMerged(layers: readonly string[], answer: Which): string[] {
  const seen = new Map<string, boolean>();
  for (const [i, { role, path }] of answer.layers.entries()) {
    if (role !== 'shown' && role !== 'merged') continue;
    const directory = openSync(join(layers[i]!, path), 'r');
    for (const { name } of readDirectory(directory)) {
      const { mode, rdev } = lstatSync(join(layers[i]!, path, name));
      if (!seen.has(name)) seen.set(name, (mode & S_IFMT) !== S_IFCHR || rdev !== 0);
    }
    closeSync(directory);
  }
  return [...seen].flatMap(([name, there]) => (there ? [name] : [])).sort();
}

/** Directories filled by a shell. */
function layersOf(t: TestContext, script: string): string {
  const root = temporaryDirectory(t);
  execFileSync('sh', ['-ec', script], { cwd: root });
  return root;
}

const find = (root: string, layers: readonly string[], path: string): Which =>
  withStack(stackOfDirectories(layers.map((name) => join(root, name)).join(':'), 'trusted'), (stack) => which(stack, path));

test('what hides a file is named: a whiteout, an opaque directory, a file in the place of its directory', { skip }, (t) => {
  const root = layersOf(
    t,
    'mkdir -p base/d base/e base/f base/g top/d top/e; touch base/d/x base/e/x base/f/x base/g/x; mknod top/d/x c 0 0; mknod top/f c 0 0; touch top/g',
  );
  setXattr(join(root, 'top/e'), 'trusted.overlay.opaque', 'y');
  const hiding = (path: string): unknown => find(root, ['top', 'base'], path).layers[1]!.hiddenBy;
  assert.deepEqual(hiding('/d/x'), { layer: '2', kind: 'whiteout', path: '/d/x' });
  assert.deepEqual(hiding('/e/x'), { layer: '2', kind: 'opaque', path: '/e' });
  assert.deepEqual(hiding('/f/x'), { layer: '2', kind: 'whiteout', path: '/f' });
  assert.deepEqual(hiding('/g/x'), { layer: '2', kind: 'file', path: '/g' });
  assert.deepEqual(find(root, ['top', 'base'], '/f/x').layers[0]!.above, { kind: 'whiteout', path: '/f' });
});

test('links on the way are followed as in the container, and never out of it', { skip }, (t) => {
  const root = layersOf(
    t,
    'mkdir -p base/usr/bin top; echo sh > base/usr/bin/sh; ln -s usr/bin base/bin; ln -s ../../../../../usr top/up; ln -s loop top/loop',
  );
  const answer = find(root, ['top', 'base'], 'bin/sh');
  assert.deepEqual([answer.path, answer.shown, answer.links], ['/usr/bin/sh', '1', [{ path: '/bin', target: 'usr/bin', layer: '1' }]]);
  assert.equal(find(root, ['top', 'base'], '/up/bin/../bin/sh').path, '/usr/bin/sh');
  assert.throws(() => find(root, ['top', 'base'], '/loop/x'), /ELOOP/);
  assert.equal(find(root, ['top', 'base'], '/loop').shown, '2');
});

test('directories that were renamed, and files whose attributes alone were copied, are found where they are', { skip }, (t) => {
  const root = layersOf(t, 'mkdir -p base/old/sub base/keep upper work merged; echo x > base/old/sub/x; head -c 100000 /dev/zero > base/big');
  // Renamed and changed through a mount, by the kernel.
  const options = 'lowerdir=base,upperdir=upper,workdir=work,redirect_dir=on,metacopy=on';
  execFileSync('unshare', ['-m', 'sh', '-ec', `mount -t overlay -o ${options} overlay merged; mv merged/old merged/keep/new; chmod 600 merged/big`], {
    cwd: root,
  });
  const moved = find(root, ['upper', 'base'], '/keep/new/sub/x');
  assert.deepEqual([moved.shown, moved.layers[1]!.path], ['1', '/old/sub/x']);
  assert.equal(find(root, ['upper', 'base'], '/keep/new').layers[0]!.redirect, '/old');
  assert.equal(find(root, ['upper', 'base'], '/old/sub/x').shown, null);
  const big = find(root, ['upper', 'base'], '/big');
  assert.deepEqual(
    [big.shown, big.layers.map((l) => [l.role, l.metacopy]), big.layers[0]!.file!.mode],
    [
      '2',
      [
        ['shown', true],
        ['content', undefined],
      ],
      '0600',
    ],
  );
});

test('the layers of a mount are those that the kernel names, also with commas and colons in them', { skip }, (t) => {
  const root = layersOf(t, 'mkdir -p "lo,w:er" other upper work merged plain');
  const merged = join(root, 'merged');
  const mount = `mount -t overlay -o 'lowerdir=${root}/lo\\,w\\:er:${root}/other,upperdir=${root}/upper,workdir=${root}/work' overlay ${merged}`;
  const mounts = parseMountinfo(execFileSync('unshare', ['-m', 'sh', '-ec', `${mount}; cat /proc/self/mountinfo`], { encoding: 'utf8' }));
  assert.deepEqual(
    stackOfMount(merged, mounts).layers.map((l) => [l.name, l.directory]),
    [
      ['upper', join(root, 'upper')],
      ['2', join(root, 'lo,w:er')],
      ['1', join(root, 'other')],
    ],
  );
  assert.throws(() => overlayAt(join(root, 'plain'), mounts), /nothing is mounted at .*: name a mount point/);
  assert.throws(() => overlayAt('/proc', mounts), /\/proc is a mount of proc, not of an overlay/);
  assert.throws(() => overlayAt(join(root, 'no'), mounts), /no such file or directory \(ENOENT\)/);
});
