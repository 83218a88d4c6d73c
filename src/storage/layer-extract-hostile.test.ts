/** Extraction stays in its directory and its bounds, whatever an archive says; what is refused is refused in one sentence. */
import assert from 'node:assert/strict';
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tar, type TarEntry } from '../../test/support/tar.ts';
import { needsRoot } from '../../test/support/needs.ts';
import { getXattr } from '../kernel/xattr.ts';
import { extractLayer, type ExtractOptions } from './layer-extract.ts';
import { describeTree, inChunks, temporaryDirectory } from './tar/tree-fixture.ts';

const skip = needsRoot();

interface Place {
  readonly target: string;
  readonly extract: (archive: Buffer, options?: Partial<ExtractOptions>) => Promise<unknown>;
  /** Fails when anything beside the target has changed. */
  readonly outsideIsUntouched: () => void;
}

/** A target directory, with files beside it that nothing may touch. */
function place(t: TestContext): Place {
  const root = temporaryDirectory(t);
  const target = join(root, 'target');
  mkdirSync(target);
  mkdirSync(join(root, 'outside/sub'), { recursive: true });
  writeFileSync(join(root, 'outside/secret'), 'secret');
  const before = describeTree(join(root, 'outside'));
  const names = readdirSync(root);
  return {
    target,
    extract: async (archive, options) => {
      const fd = openSync(target, 'r');
      try {
        return await extractLayer(inChunks(archive, 1000), { fd }, { whiteouts: 'overlay', ...options });
      } finally {
        closeSync(fd);
      }
    },
    outsideIsUntouched: () => {
      assert.deepEqual(describeTree(join(root, 'outside')), before);
      assert.deepEqual(readdirSync(root), names);
    },
  };
}

test('`..` that leads out is refused, absolute paths and harmless dots mean the target', { skip }, async (t) => {
  const { target, extract, outsideIsUntouched } = place(t);
  for (const name of ['../outside/secret', 'a/../../outside/secret', './../x', '/../x', '..'])
    await assert.rejects(extract(tar([{ name }])), /leads out of its root/);
  for (const linkname of ['../outside/secret', '/../outside/secret'])
    await assert.rejects(extract(tar([{ name: 'l', type: '1', linkname }])), /leads out of its root/);
  await extract(tar([{ name: '/etc/abs' }, { name: './a//b/./c/../d' }, { name: 'x\\..\\y' }]));
  assert.ok(existsSync(join(target, 'etc/abs')) && existsSync(join(target, 'a/b/d')) && existsSync(join(target, 'x\\..\\y')));
  outsideIsUntouched();
});

test('a symbolic link in a path ends at the root of the target', { skip }, async (t) => {
  const { target, extract, outsideIsUntouched } = place(t);
  const outside = join(target, '../outside');
  await assert.rejects(
    extract(
      tar([
        { name: 'up', type: '2', linkname: '../outside' },
        { name: 'up/secret', contents: 'owned' },
      ]),
    ),
    /"up" cannot hold files: it is a symbolic link to a directory that does not exist/,
  );
  await assert.rejects(extract(tar([{ name: 'abs', type: '2', linkname: outside }, { name: 'abs/new' }])), /cannot hold files/);
  // As a process inside would follow it
  await extract(
    tar([
      { name: 'usr/lib', type: '5' },
      { name: 'lib', type: '2', linkname: '/usr/lib' },
      { name: 'lib/a.so' },
      { name: 'deep', type: '2', linkname: '../../../usr' },
      { name: 'deep/lib/b.so' },
    ]),
  );
  assert.deepEqual(readdirSync(join(target, 'usr/lib')).toSorted(), ['a.so', 'b.so']);
  await assert.rejects(extract(tar([{ name: 'f' }, { name: 'f/x' }])), /"f" cannot hold files: it is no directory/);
  outsideIsUntouched();
});

test('a directory that is replaced by a link, while it is in use, leads nowhere', { skip }, async (t) => {
  const { target, extract, outsideIsUntouched } = place(t);
  const outside = join(target, '../outside');
  const entries: TarEntry[] = [
    { name: 'd', type: '5', mode: 0o777 },
    { name: 'd/a' },
    { name: 'd', type: '2', linkname: outside },
    { name: 'd/secret', contents: 'owned' },
  ];
  await assert.rejects(extract(tar(entries)), /cannot hold files/);
  // The directory's mode, set at the end, must not reach what the link leads to.
  await extract(
    tar([
      { name: 'e/sub', type: '5', mode: 0o777, uid: 9 },
      { name: 'e', type: '2', linkname: outside },
    ]),
  );
  await extract(
    tar([
      { name: 'g/sub', type: '5', mode: 0o777, uid: 9 },
      { name: 'h/sub', type: '5', mode: 0o700 },
      { name: 'g', type: '2', linkname: 'h' },
    ]),
  );
  assert.deepEqual([lstatSync(join(target, 'h/sub')).mode & 0o777, lstatSync(join(target, 'h/sub')).uid], [0o700, 0]);
  outsideIsUntouched();
});

test('a file is never written through a link, nor a hard link made to what a link leads to', { skip }, async (t) => {
  const { target, extract, outsideIsUntouched } = place(t);
  const secret = join(target, '../outside/secret');
  symlinkSync(secret, join(target, 'there'));
  await extract(
    tar([
      { name: 'there', contents: 'new', mode: 0o777 },
      { name: 's', type: '2', linkname: secret },
      { name: 's', contents: 'new' },
    ]),
  );
  assert.deepEqual([readFileSync(join(target, 'there'), 'utf8'), readFileSync(join(target, 's'), 'utf8')], ['new', 'new']);
  await extract(
    tar([
      { name: 'l', type: '2', linkname: secret },
      { name: 'h', type: '1', linkname: 'l' },
    ]),
  );
  assert.ok(lstatSync(join(target, 'h')).isSymbolicLink());
  await assert.rejects(
    extract(
      tar([
        { name: 'd', type: '2', linkname: join(target, '../outside') },
        { name: 'x', type: '1', linkname: 'd/secret' },
      ]),
    ),
    /which is neither in it|cannot hold/,
  );
  await assert.rejects(extract(tar([{ name: 'self', type: '1', linkname: './self' }])), /no target but itself/);
  outsideIsUntouched();
});

test('whiteouts act in the target only', { skip }, async (t) => {
  for (const whiteouts of ['overlay', 'apply'] as const) {
    const { target, extract, outsideIsUntouched } = place(t);
    const link = { name: 'l', type: '2', linkname: join(target, '../outside') };
    for (const name of ['l/.wh.secret', 'l/.wh..wh..opq'])
      await extract(tar([link, { name }]), { whiteouts }).catch((error: Error) => assert.match(error.message, /cannot hold files/));
    for (const name of ['.wh...', '.wh..', '.wh.', 'd/.wh...']) await assert.rejects(extract(tar([{ name }]), { whiteouts }), /names no file/);
    await assert.rejects(extract(tar([{ name: '../.wh.outside' }]), { whiteouts }), /leads out of its root/);
    outsideIsUntouched();
  }
});

test("OverlayFS's own attributes cannot come from an archive", { skip }, async (t) => {
  const { target, extract } = place(t);
  const pax = {
    'SCHILY.xattr.trusted.overlay.redirect': '/etc',
    'SCHILY.xattr.trusted.overlay.opaque': 'y',
    'SCHILY.xattr.user.overlay.metacopy': '',
    'SCHILY.xattr.user.fine': 'x',
  };
  await extract(
    tar([
      { name: 'd', type: '5', pax },
      { name: 'f', pax },
    ]),
  );
  for (const name of ['d', 'f']) {
    const fd = openSync(join(target, name), 'r');
    assert.deepEqual(
      ['trusted.overlay.redirect', 'trusted.overlay.opaque', 'user.overlay.metacopy'].map((a) => getXattr(fd, a)),
      [undefined, undefined, undefined],
    );
    assert.equal(getXattr(fd, 'user.fine')?.toString(), 'x');
    closeSync(fd);
  }
});

const spoil = (archive: Buffer, at: number, text: string): Buffer => {
  archive.write(text, at, 'latin1');
  return archive;
};

/** The checksum of a header made right again. */
const sign = (archive: Buffer, header = 0): Buffer => {
  archive.fill(' ', header + 148, header + 156);
  const sum = archive.subarray(header, header + 512).reduce((a, b) => a + b, 0);
  return spoil(archive, header + 148, `${sum.toString(8).padStart(6, '0')}\0 `);
};

const refusals: readonly (readonly [what: string, archive: () => Buffer, message: RegExp])[] = [
  ['no archive', () => Buffer.alloc(2000, 'x'), /^the tar archive is bad at byte 0 \(entry 1\): it is no tar archive: the header's checksum/],
  [
    'a wrong checksum',
    () => spoil(tar([{ name: 'a', contents: 'x' }, { name: 'b' }]), 1024 + 5, 'X'),
    /^the tar archive is bad at byte 1024 \(entry 2, "a"\): the header's checksum is \d+, but its bytes sum up to \d+$/,
  ],
  [
    'an end inside the content',
    () => tar([{ name: 'a', contents: 'x'.repeat(2000) }]).subarray(0, 1500),
    /\(entry 1, "a"\): the archive is cut off after 1500 bytes/,
  ],
  ['an end inside a header', () => tar([{ name: 'a' }, { name: 'b' }]).subarray(0, 700), /cut off after 700 bytes/],
  ['an end after an extended header', () => tar([{ name: 'a', pax: { comment: 'x' } }]).subarray(0, 1024), /cut off/],
  ['a huge extended header', () => tar([{ name: 'p', type: 'x', size: 1 << 30 }]), /extended header has 1073741824 bytes; at most 1048576/],
  ['a huge long name', () => tar([{ name: '././@LongLink', type: 'L', size: 8 ** 11 - 1 }]), /at most 1048576/],
  ['a path beyond PATH_MAX', () => tar([{ name: 'a', pax: { path: 'd/'.repeat(3000) } }]), /a path of 6000 bytes; at most 4095/],
  ['a name of one component beyond NAME_MAX', () => tar([{ name: 'a', pax: { path: 'n'.repeat(300) } }]), /name too long \(ENAMETOOLONG\)/],
  [
    'a record with a wrong length',
    () => tar([{ name: 'x', type: 'x', contents: '99 path=a\n' }]),
    /PAX record at byte 0 of the extended header has a wrong length/,
  ],
  ['a record with a length of zeros', () => tar([{ name: 'x', type: 'x', contents: `${'0'.repeat(30)} a=b\n` }]), /wrong length/],
  ['a record without a key', () => tar([{ name: 'x', type: 'x', contents: '6 =ab\n' }]), /no key/],
  ['a NUL in a name', () => tar([{ name: 'a', pax: { path: 'a\0b' } }]), /a NUL/],
  ['an empty name', () => tar([{ name: '' }]), /its name is empty/],
  ['an owner of 2^32-1', () => tar([{ name: 'a', pax: { uid: '4294967295' } }]), /owner 4294967295:0 is out of range/],
  ['an owner of 2^32', () => tar([{ name: 'a', pax: { gid: '4294967296' } }]), /out of range/],
  ['a negative owner', () => tar([{ name: 'a', pax: { uid: '-1' } }]), /out of range/],
  ['a size that is no number', () => tar([{ name: 'a', pax: { size: '1e9' } }]), /its size is not a number/],
  ['a negative size', () => sign(spoil(tar([{ name: 'a' }]), 124, '\xff'.repeat(12))), /its size is negative/],
  ['digits that are none', () => sign(spoil(tar([{ name: 'a' }]), 100, '0009999')), /header's mode is not a number/],
  ['an unknown type', () => tar([{ name: 'a', type: 'Q' }]), /its type "Q" is not known/],
  ['an entry after the end mark', () => Buffer.concat([Buffer.alloc(512), tar([{ name: 'a' }])]), /after the mark of the end/],
  [
    'overlapping sparse runs',
    () => tar([{ name: 'a', contents: 'xxxx', pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,2,1,2' } }]),
    /sparse map has runs that overlap/,
  ],
  [
    'sparse runs beyond the size',
    () => tar([{ name: 'a', contents: 'xx', pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '9007199254740990,2' } }]),
    /beyond its size/,
  ],
  [
    'sparse runs that do not add up',
    () => tar([{ name: 'a', contents: 'xxx', pax: { 'GNU.sparse.size': '9', 'GNU.sparse.map': '0,2' } }]),
    /2 bytes of data, but 3 are stored/,
  ],
  [
    'a sparse map that never ends',
    () => tar([{ name: 'a', contents: `999999\n${'1\n'.repeat(600)}`, pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9' } }]),
    /its sparse map is malformed/,
  ],
  [
    'a sparse map with a huge count',
    () => tar([{ name: 'a', contents: '99999999999\n', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '9' } }]),
    /malformed/,
  ],
  ['a root that is no directory', () => tar([{ name: './', type: '2', linkname: '/etc' }]), /a symlink in the place of its root/],
];

for (const [what, archive, message] of refusals) {
  test(`refused with a clear sentence: ${what}`, { skip }, async (t) => {
    const { extract, outsideIsUntouched } = place(t);
    const before = readdirSync('/proc/self/fd').length;
    await assert.rejects(extract(archive()), (error: Error) => {
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /\n/);
      return true;
    });
    assert.equal(readdirSync('/proc/self/fd').length, before);
    outsideIsUntouched();
  });
}

test('archives without an end mark, with one only, or with anything after it are read', { skip }, async (t) => {
  const { target, extract } = place(t);
  const whole = tar([{ name: 'a', contents: 'x' }]);
  for (const archive of [
    whole.subarray(0, 1024),
    whole.subarray(0, 1536),
    Buffer.concat([whole, Buffer.alloc(5000, 'junk')]),
    Buffer.alloc(0),
    Buffer.alloc(1024),
  ])
    await extract(archive);
  assert.deepEqual(readdirSync(target), ['a']);
});

test('many global headers do not fill the memory', { skip }, async (t) => {
  const { extract } = place(t);
  const headers = Array.from({ length: 5 }, (_, i) =>
    tar([{ name: 'g', type: 'g', contents: `300000 k${i}=${'v'.repeat(300000 - 11)}\n` }]).subarray(0, -1024),
  );
  await assert.rejects(extract(Buffer.concat(headers)), /global headers together have more than 1048576 bytes/);
});
