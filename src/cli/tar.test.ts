/** Archives: what is packed is what GNU tar reads, what it writes is read back, and hostile ones stay in their place. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  createReadStream,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createWriteStream } from 'node:fs';
import test, { after, beforeEach } from 'node:test';
import { CommandError } from './command.ts';
import { extractTree } from './tar-extract.ts';
import { encodeHeader, padding, type TarEntry } from './tar-header.ts';
import { packTree } from './tar-pack.ts';

const base = mkdtempSync(join(tmpdir(), 'hako-tar-'));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
let room: string;
beforeEach(() => mkdirSync((room = join(base, String(++count)))));

const longName = `${'d'.repeat(120)}-箱舟`;

function sampleTree(): string {
  const tree = join(room, 'tree');
  mkdirSync(join(tree, 'sub'), { recursive: true });
  writeFileSync(join(tree, 'file'), 'x'.repeat(1000));
  chmodSync(join(tree, 'file'), 0o640);
  utimesSync(join(tree, 'file'), 1_700_000_000, 1_700_000_000);
  writeFileSync(join(tree, 'empty'), '');
  writeFileSync(join(tree, 'sub', longName), 'long');
  linkSync(join(tree, 'file'), join(tree, 'hard'));
  symlinkSync('file', join(tree, 'soft'));
  chmodSync(join(tree, 'sub'), 0o500);
  return tree;
}

test('GNU tar reads what is packed', async () => {
  await pipeline(packTree(sampleTree(), 'top'), createWriteStream(join(room, 'out.tar')));
  mkdirSync(join(room, 'x'));
  execFileSync('tar', ['-xpf', join(room, 'out.tar'), '-C', join(room, 'x')]);
  const top = join(room, 'x/top');
  assert.deepEqual(readdirSync(top).toSorted(), ['empty', 'file', 'hard', 'soft', 'sub']);
  assert.equal(readFileSync(join(top, 'sub', longName), 'utf8'), 'long');
  assert.equal(lstatSync(join(top, 'file')).ino, lstatSync(join(top, 'hard')).ino);
  assert.equal(lstatSync(join(top, 'file')).mode & 0o7777, 0o640);
  assert.equal(lstatSync(join(top, 'file')).mtimeMs, 1_700_000_000_000);
  assert.equal(readlinkSync(join(top, 'soft')), 'file');
});

for (const format of ['pax', 'gnu', 'ustar']) {
  test(`what GNU tar packs as ${format} is read`, async () => {
    const tree = sampleTree();
    if (format === 'ustar') rmSync(join(tree, 'sub'), { recursive: true });
    execFileSync('tar', [`--format=${format}`, '-cf', join(room, 'in.tar'), '-C', room, 'tree']);
    mkdirSync(join(room, 'x'));
    const bytes = await extractTree(createReadStream(join(room, 'in.tar'), { highWaterMark: 777 }), join(room, 'x'), { top: 'renamed', owners: false });
    const top = join(room, 'x/renamed');
    assert.equal(readFileSync(join(top, 'hard'), 'utf8'), 'x'.repeat(1000));
    assert.equal(lstatSync(join(top, 'file')).ino, lstatSync(join(top, 'hard')).ino);
    assert.equal(lstatSync(join(top, 'file')).mode & 0o7777, 0o640);
    assert.equal(lstatSync(join(top, 'file')).mtimeMs, 1_700_000_000_000);
    if (format !== 'ustar') {
      assert.equal(readFileSync(join(top, 'sub', longName), 'utf8'), 'long');
      assert.equal(lstatSync(join(top, 'sub')).mode & 0o7777, 0o500);
      assert.equal(bytes, 1004);
    }
  });
}

const entry = (name: string, type: TarEntry['type'], more: Partial<TarEntry> = {}): TarEntry => ({
  name,
  type,
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  linkName: '',
  major: 0,
  minor: 0,
  ...more,
});

function archive(...entries: (readonly [TarEntry, string?])[]): Readable {
  const blocks = entries.flatMap(([e, data = '']) => [
    encodeHeader({ ...e, size: Buffer.byteLength(data) }),
    Buffer.from(data),
    padding(Buffer.byteLength(data)),
  ]);
  return Readable.from([Buffer.concat([...blocks, Buffer.alloc(1024)])], { objectMode: false });
}

const hostile: readonly (readonly [what: string, entries: (readonly [TarEntry, string?])[]])[] = [
  ['a name with ..', [[entry('top/../../escaped', 'file'), 'x']]],
  [
    'a file through a symbolic link that the archive made',
    [[entry('top/out', 'symlink', { linkName: '../../outside' })], [entry('top/out/escaped', 'file'), 'x']],
  ],
  [
    'a directory over a symbolic link',
    [[entry('top/out', 'symlink', { linkName: '../../outside' })], [entry('top/out', 'directory')], [entry('top/out/escaped', 'file'), 'x']],
  ],
  ['a hard link to a name with ..', [[entry('top/l', 'link', { linkName: 'top/../../outside/secret' })]]],
  [
    'a hard link through a symbolic link',
    [[entry('top/out', 'symlink', { linkName: '../../outside' })], [entry('top/l', 'link', { linkName: 'top/out/secret' })]],
  ],
];

for (const [what, entries] of hostile) {
  test(`refused: ${what}`, async () => {
    mkdirSync(join(room, 'outside'));
    writeFileSync(join(room, 'outside/secret'), 'secret');
    mkdirSync(join(room, 'x'));
    await assert.rejects(extractTree(archive(...entries), join(room, 'x'), { top: 'top', owners: false }), CommandError);
    assert.deepEqual(readdirSync(join(room, 'outside')), ['secret']);
    assert.equal(lstatSync(join(room, 'outside/secret')).nlink, 1);
    assert.deepEqual(readdirSync(room).toSorted(), ['outside', 'x']);
  });
}

test('a file does not follow a symbolic link at its place, it takes it', async () => {
  writeFileSync(join(room, 'victim'), 'safe');
  mkdirSync(join(room, 'x'));
  await extractTree(archive([entry('a', 'symlink', { linkName: '../victim' })], [entry('a', 'file'), 'new']), join(room, 'x'), { owners: false });
  assert.equal(readFileSync(join(room, 'victim'), 'utf8'), 'safe');
  assert.equal(readFileSync(join(room, 'x/a'), 'utf8'), 'new');
});

test('a set-user-id bit does not come out of a container without its owner', async () => {
  await extractTree(archive([entry('a', 'file', { mode: 0o4755 }), 'x']), room, { owners: false });
  assert.equal(lstatSync(join(room, 'a')).mode & 0o7777, 0o755);
});

test('a damaged archive, or half of one, is refused', async () => {
  const damaged = Buffer.concat([encodeHeader(entry('a', 'file')), Buffer.alloc(1024)]);
  damaged[0] = 0x62;
  await assert.rejects(extractTree(Readable.from([damaged], { objectMode: false }), room, { owners: false }), /checksum/);
  const half = encodeHeader(entry('a', 'file', { size: 5000 }));
  await assert.rejects(extractTree(Readable.from([half], { objectMode: false }), room, { owners: false }), /ends too early/);
  assert.equal(existsSync(join(room, 'b')), false);
});
