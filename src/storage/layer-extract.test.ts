/** Extraction keeps everything: archives of GNU tar in all its formats, of Python's tarfile, and by hand, against the tree they were made of. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tar, type TarEntry } from '../../test/support/tar.ts';
import { findProgram, needsRoot } from '../../test/support/needs.ts';
import { isOpaque } from '../kernel/xattr.ts';
import { extractLayer, type Extraction, type ExtractOptions } from './layer-extract.ts';
import { allocated, describeTree, inChunks, makeTree, setXattr, temporaryDirectory } from './tar/tree-fixture.ts';

const skip = needsRoot();

async function extract(archive: Buffer, directory: string, options: Partial<ExtractOptions> = {}, chunk = 100_000): Promise<Extraction> {
  mkdirSync(directory, { recursive: true });
  const fd = openSync(directory, 'r');
  try {
    return await extractLayer(inChunks(archive, chunk), { fd }, { whiteouts: 'overlay', ...options });
  } finally {
    closeSync(fd);
  }
}

const opaque = (path: string): boolean => {
  const fd = openSync(path, 'r');
  try {
    return isOpaque(fd);
  } finally {
    closeSync(fd);
  }
};

const gnuTar = (from: string, ...options: string[]): Buffer =>
  execFileSync('tar', ['--numeric-owner', '-C', from, '-cf', '-', ...options, '.'], { maxBuffer: 1 << 28 });

test('an archive of GNU tar in each format becomes the tree it was made of', { skip }, async (t) => {
  const root = temporaryDirectory(t);
  const source = join(root, 'source');
  mkdirSync(source);
  makeTree(source, true);
  for (const format of ['v7', 'oldgnu', 'gnu', 'ustar', 'posix']) {
    const target = join(root, format);
    await extract(gnuTar(source, `--format=${format}`), target);
    // Before PAX, times had no fractions.
    const nanoseconds = format === 'posix';
    assert.deepEqual(describeTree(target, { nanoseconds }), describeTree(source, { nanoseconds }), format);
  }
});

test('nanoseconds, attributes, capabilities, long, non-ASCII and non-UTF-8 names, big owners, devices and negative times survive', { skip }, async (t) => {
  const root = temporaryDirectory(t);
  const source = join(root, 'source');
  mkdirSync(source);
  makeTree(source);
  const archive = gnuTar(source, '--format=posix', '--xattrs', '--xattrs-include=*');
  const expected = describeTree(source);
  for (const chunk of [1 << 20, 4099, 511]) {
    const target = join(root, `chunk-${chunk}`);
    const { entries, warnings } = await extract(archive, target, {}, chunk);
    assert.deepEqual(describeTree(target), expected);
    assert.equal(entries, expected.length);
    assert.deepEqual(warnings, []);
  }
  await extract(gnuTar(source, '--format=gnu'), join(root, 'gnu'));
  const limits = { xattrs: false, nanoseconds: false };
  const whole = (lines: string[]): string[] => lines.filter((line) => !line.includes('mtime=-')); // GNU rounds times before 1970 otherwise
  assert.deepEqual(whole(describeTree(join(root, 'gnu'), limits)), whole(describeTree(source, limits)));
});

test('sparse files of each kind keep content and holes', { skip }, async (t) => {
  const root = temporaryDirectory(t);
  const source = join(root, 'source');
  mkdirSync(source);
  execFileSync(
    'sh',
    [
      '-ec',
      'for i in $(seq 0 59); do printf %5000d $i | dd of=many bs=1 seek=$((i * 100000)) conv=notrunc status=none obs=64k; done; truncate -s 5G hole; truncate -s 7M many',
    ],
    { cwd: source },
  );
  const expected = [readFileSync(join(source, 'many')).toString('latin1'), lstatSync(join(source, 'hole')).size];
  for (const format of ['--format=gnu', '--sparse-version=0.0', '--sparse-version=0.1', '--sparse-version=1.0']) {
    const archive = gnuTar(source, '--sparse', ...(format.startsWith('--f') ? [format] : ['--format=posix', format]));
    assert.ok(archive.length < 2_000_000, 'it was stored sparse');
    const target = join(root, format);
    await extract(archive, target, {}, 5000);
    assert.deepEqual([readFileSync(join(target, 'many')).toString('latin1'), lstatSync(join(target, 'hole')).size], expected, format);
    assert.ok(allocated(join(target, 'many')) < 2_000_000, `${format}: holes are kept`);
    assert.equal(allocated(join(target, 'hole')), 0);
  }
});

test(
  "an archive of Python's tarfile with global records becomes the tree it describes",
  { skip: skip || (findProgram('python3') ? false : 'python3 is not installed') },
  async (t) => {
    const target = temporaryDirectory(t);
    const script = `
import tarfile, io, sys
t = tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.PAX_FORMAT, pax_headers={'comment': 'x', 'uid': '77', 'mtime': '5.25'})
for name, uid in (('a', 1), ('b' * 200, 2)):
    i = tarfile.TarInfo(name); i.size = 3; i.uid = uid; i.pax_headers = {'SCHILY.xattr.user.k': 'v', 'LIBARCHIVE.xattr.user.%6b2': 'djI='}
    t.addfile(i, io.BytesIO(b'abc'))
t.close()`;
    await extract(execFileSync('python3', ['-c', script]), target);
    const expected = (name: string, uid: number): string =>
      `./${name} 100644 ${uid}:0 mtime=5250000000 size=3 900150983cd24fb0d6963f7d28e17f72 user.k=76 user.k2=7632`;
    // A global record holds where neither the entry's own records nor, here, anything else says otherwise.
    assert.deepEqual(describeTree(target).slice(1), [expected('a', 77), expected('b'.repeat(200), 77)]);
  },
);

test('whiteouts become character devices 0:0, opaque markers the attribute, wherever in the layer they stand', { skip }, async (t) => {
  const target = temporaryDirectory(t);
  const entries: TarEntry[] = [
    { name: 'd/.wh..wh..opq' },
    { name: 'd/kept' },
    { name: '.wh.gone' },
    { name: 'e', type: '5' },
    { name: '.wh.e' },
    { name: 'file' },
    { name: '.wh.file' },
    { name: '.wh.again' },
    { name: 'again/', type: '5' },
    { name: '.wh.back' },
    { name: 'back', contents: 'new' },
    { name: '.wh..wh.plnk/1.2' },
    { name: '.wh..wh.aufs' },
  ];
  await extract(tar(entries), target);
  assert.deepEqual(readdirSync(target).toSorted(), ['again', 'back', 'd', 'e', 'file', 'gone']);
  const gone = lstatSync(join(target, 'gone'));
  assert.ok(gone.isCharacterDevice() && gone.rdev === 0);
  assert.deepEqual(
    ['d', 'e', 'again'].map((name) => opaque(join(target, name))),
    [true, true, true],
  );
  assert.ok(lstatSync(join(target, 'file')).isFile(), 'a whiteout speaks of the layers below, not of its own');
  assert.equal(readFileSync(join(target, 'back'), 'utf8'), 'new');
  assert.deepEqual(readdirSync(join(target, 'd')), ['kept']);
});

test('applied to a tree, whiteouts remove what was there and leave what the layer adds', { skip }, async (t) => {
  const target = temporaryDirectory(t);
  execFileSync('sh', ['-ec', 'mkdir -p d/sub/deep gone/x keep; touch d/old d/sub/old gone/x/y keep/a keep/b; ln -s /etc away'], { cwd: target });
  const entries = [
    { name: 'd/sub/new' },
    { name: 'd/.wh..wh..opq' },
    { name: '.wh.gone' },
    { name: 'keep/.wh.a' },
    { name: '.wh.missing' },
    { name: '.wh.away' },
    { name: 'nowhere/.wh.x' },
  ];
  await extract(tar(entries), target, { whiteouts: 'apply' });
  assert.deepEqual(
    describeTree(target).map((line) => line.split(' ')[0]),
    ['.', './d', './d/sub', './d/sub/new', './keep', './keep/b'],
  );
  assert.ok(lstatSync('/etc/passwd'));
});

test('with whiteouts off, files named like them are files', { skip }, async (t) => {
  const target = temporaryDirectory(t);
  await extract(tar([{ name: '.wh.a', contents: 'x' }]), target, { whiteouts: 'none' });
  assert.equal(readFileSync(join(target, '.wh.a'), 'utf8'), 'x');
});

test('a directory that the archive forgot is as in the layers below, and not where they hide it', { skip }, async (t) => {
  const root = temporaryDirectory(t);
  const [top, middle, bottom] = ['top', 'middle', 'bottom'].map((name) => join(root, name)) as [string, string, string];
  execFileSync(
    'sh',
    [
      '-ec',
      'mkdir -p top middle bottom/srv/data bottom/old/x middle/hidden bottom/hidden/x; chown 5:6 bottom/srv/data bottom/old/x bottom/hidden/x; chmod 2711 bottom/srv/data; mknod middle/old c 0 0; touch -d @1000.5 bottom/srv/data',
    ],
    { cwd: root },
  );
  setXattr(join(bottom, 'srv/data'), 'user.a', 'b');
  setXattr(join(middle, 'hidden'), 'trusted.overlay.opaque', 'y');
  const target = join(root, 'target');
  await extract(tar([{ name: 'srv/data/f' }, { name: 'old/x/f' }, { name: 'hidden/x/f' }]), target, { lower: [top, middle, bottom] });
  const s = lstatSync(join(target, 'srv/data'));
  assert.deepEqual([s.uid, s.gid, s.mode & 0o7777, s.mtimeMs], [5, 6, 0o2711, 1000500]);
  assert.match(
    describeTree(target).find((line) => line.startsWith('./srv/data '))!,
    /user\.a=62/,
  );
  assert.equal(lstatSync(join(target, 'srv/data/f')).gid, 0, 'the group is not inherited');
  assert.deepEqual([lstatSync(join(target, 'old/x')).uid, lstatSync(join(target, 'hidden/x')).uid], [0, 0]);
});

test('a hard link to a file of a lower layer copies it up: both names are one file', { skip }, async (t) => {
  const root = temporaryDirectory(t);
  execFileSync(
    'sh',
    ['-ec', 'mkdir -p lower/bin; echo tool > lower/bin/tool; chown 7:8 lower/bin/tool; chmod 4755 lower/bin/tool; touch -d @99.25 lower/bin/tool'],
    { cwd: root },
  );
  const target = join(root, 'target');
  await extract(tar([{ name: 'usr/alias', type: '1', linkname: 'bin/tool' }]), target, { lower: [join(root, 'lower')] });
  const [a, b] = [lstatSync(join(target, 'usr/alias')), lstatSync(join(target, 'bin/tool'))];
  assert.equal(a.ino, b.ino);
  assert.notEqual(a.ino, lstatSync(join(root, 'lower/bin/tool')).ino);
  assert.deepEqual([a.uid, a.gid, a.mode & 0o7777, a.mtimeMs, readFileSync(join(target, 'usr/alias'), 'utf8')], [7, 8, 0o4755, 99250, 'tool\n']);
  await assert.rejects(
    extract(tar([{ name: 'x', type: '1', linkname: 'no' }]), target, { lower: [join(root, 'lower')] }),
    /hard link "x" has the target "no", which is neither/,
  );
});

test('the last of several entries with one name counts', { skip }, async (t) => {
  const target = temporaryDirectory(t);
  const entries: TarEntry[] = [
    { name: 'a', contents: 'one' },
    { name: 'b', type: '1', linkname: 'a' },
    { name: 'a', contents: 'two', mode: 0o600 },
    { name: 'd', type: '5', mode: 0o700 },
    { name: 'd/x' },
    { name: 'd', type: '5', mode: 0o711 },
    { name: 'e/y' },
    { name: 'e', type: '2', linkname: 'd' },
    { name: 'f', type: '2', linkname: 'd' },
    { name: 'f/', type: '5' },
  ];
  await extract(tar(entries), target);
  assert.deepEqual([readFileSync(join(target, 'a'), 'utf8'), readFileSync(join(target, 'b'), 'utf8')], ['two', 'one']);
  assert.equal(lstatSync(join(target, 'd')).mode & 0o777, 0o711);
  assert.deepEqual(readdirSync(join(target, 'd')), ['x']);
  assert.equal(readlinkSync(join(target, 'e')), 'd');
  assert.ok(lstatSync(join(target, 'f')).isDirectory());
});

test('modes and groups are those of the archive, whatever umask, setgid or default ACL would make of them', { skip }, async (t) => {
  const root = temporaryDirectory(t);
  const target = join(root, 'target');
  mkdirSync(target);
  execFileSync('sh', ['-ec', 'chmod 2755 .; chgrp 9 .'], { cwd: target });
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  // user::rwx, user:5:rwx, group::---, mask::rwx, other::---
  setXattr(target, 'system.posix_acl_default', Buffer.from('0200000001000700ffffffff020007000500000004000000ffffffff10000700ffffffff20000000ffffffff', 'hex'));
  await extract(
    tar([
      { name: 'f', mode: 0o666 },
      { name: 'd', type: '5', mode: 0o777 },
      { name: 'd/g', mode: 0o664 },
      { name: 'p', type: '6', mode: 0o666 },
    ]),
    target,
  );
  for (const [name, mode] of [
    ['f', 0o666],
    ['d', 0o777],
    ['d/g', 0o664],
    ['p', 0o666],
  ] as const) {
    const s = lstatSync(join(target, name));
    assert.deepEqual([name, s.mode & 0o7777, s.gid], [name, mode, 0]);
  }
});

test('an owner can be given to everything, and directories kept from being overwritten', { skip }, async (t) => {
  const target = temporaryDirectory(t);
  await extract(
    tar([
      { name: 'd', type: '5' },
      { name: 'd/f', uid: 3, gid: 4 },
      { name: 'l', type: '2', linkname: 'd' },
    ]),
    target,
    { owner: { uid: 42, gid: 43 } },
  );
  for (const name of ['d', 'd/f', 'l']) assert.deepEqual([lstatSync(join(target, name)).uid, lstatSync(join(target, name)).gid], [42, 43]);
  await assert.rejects(extract(tar([{ name: 'd' }]), target, { noOverwriteDirNonDir: true }), /cannot overwrite directory "\/d" with non-directory "d"/);
  await assert.rejects(
    extract(tar([{ name: 'd/f', type: '5' }]), target, { noOverwriteDirNonDir: true }),
    /cannot overwrite non-directory "\/d\/f" with directory/,
  );
  writeFileSync(join(target, 'd/f'), 'still here');
});

test('more directories than stay open, deeper than that, and all descriptors closed again', { skip }, async (t) => {
  const target = temporaryDirectory(t);
  const many = Array.from({ length: 400 }, (_, i) => ({ name: `m/${i}`, type: '5', mode: 0o711, mtime: i }));
  const deep = Array.from({ length: 300 }, () => 'd').join('/');
  const entries: TarEntry[] = [
    ...many,
    { name: 'f', pax: { path: `${deep}/f` } },
    { name: 'g', type: '1', pax: { path: 'm/7/g', linkpath: `${deep}/f` } },
    ...many,
  ];
  const before = readdirSync('/proc/self/fd').length;
  await extract(tar(entries), target);
  assert.equal(readdirSync('/proc/self/fd').length, before);
  assert.equal(lstatSync(join(target, 'm/7/g')).nlink, 2);
  for (const i of [0, 200, 399])
    assert.deepEqual([lstatSync(join(target, `m/${i}`)).mtimeMs, lstatSync(join(target, `m/${i}`)).mode & 0o777], [i * 1000, 0o711]);
});
