/** What is packed can be unpacked, by GNU tar and Python and by ourselves, and the same tree gives the same bytes. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram, needsRoot } from '../../../test/support/needs.ts';
import { extractLayer } from '../layer-extract.ts';
import { packTree } from './pack.ts';
import { describeTree, gather, inChunks, makeTree, temporaryDirectory } from './tree-fixture.ts';

const skip = needsRoot();

async function pack(directory: string, as?: string): Promise<Buffer> {
  const fd = openSync(directory, 'r');
  try {
    return await gather(packTree(fd, as === undefined ? {} : { as }));
  } finally {
    closeSync(fd);
  }
}

const names = (archive: Buffer): string[] => execFileSync('tar', ['-tf', '-', '-P'], { input: archive, encoding: 'utf8' }).trim().split('\n');

test('a packed tree unpacks to itself, with GNU tar and with our own extraction', { skip }, async (t) => {
  const root = temporaryDirectory(t);
  const source = join(root, 'source');
  mkdirSync(source);
  makeTree(source);
  const archive = await pack(source, '.');
  const expected = describeTree(source);

  const own = join(root, 'own');
  mkdirSync(own);
  const fd = openSync(own, 'r');
  await extractLayer(inChunks(archive, 65536), { fd }, { whiteouts: 'none' });
  closeSync(fd);
  assert.deepEqual(describeTree(own), expected);

  const gnu = join(root, 'gnu');
  mkdirSync(gnu);
  execFileSync('tar', ['--numeric-owner', '--xattrs', '--xattrs-include=*', '-xpf', '-', '-C', gnu], { input: archive });
  assert.deepEqual(describeTree(gnu), expected);

  assert.ok((await pack(source, '.')).equals(archive), 'the same bytes again');
});

test("Python's tarfile lists the same names, sizes and types", { skip: skip || (findProgram('python3') ? false : 'python3 is not installed') }, async (t) => {
  const source = temporaryDirectory(t);
  makeTree(source);
  const archive = await pack(source);
  const script =
    "import tarfile,sys\nfor m in tarfile.open(fileobj=sys.stdin.buffer,mode='r|',errors='surrogateescape'): sys.stdout.buffer.write(m.name.encode('utf8','surrogateescape')+b' %d\\0'%m.size)";
  const listed = execFileSync('python3', ['-c', script], { input: archive })
    .toString('latin1')
    .split('\0')
    .slice(0, -1)
    .map((l) => l.slice(0, l.lastIndexOf(' ')));
  const expected = execFileSync('find', ['.', '-mindepth', '1', '-printf', '%P\\0'], { cwd: source }).toString('latin1').split('\0').slice(0, -1);
  assert.deepEqual(listed.toSorted(), expected.toSorted());
});

test('names are those asked for', { skip }, async (t) => {
  const source = temporaryDirectory(t);
  mkdirSync(join(source, 'd'));
  writeFileSync(join(source, 'd/f'), 'x');
  assert.deepEqual(names(await pack(source)), ['d/', 'd/f']);
  assert.deepEqual(names(await pack(source, '.')), ['./', './d/', './d/f']);
  assert.deepEqual(names(await pack(source, 'data')), ['data/', 'data/d/', 'data/d/f']);
  assert.deepEqual(names(await pack(source, '/')), ['/', '/d/', '/d/f']);
});

test('sockets are left out; a file that shrinks or disappears meanwhile does not spoil the archive', { skip }, async (t) => {
  const source = temporaryDirectory(t);
  const server = createServer().listen(join(source, 'socket'));
  await once(server, 'listening');
  t.after(() => server.close());
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(source, name), Buffer.alloc(1 << 20, name));
  const fd = openSync(source, 'r');
  const chunks: Buffer[] = [];
  for await (const chunk of packTree(fd)) {
    // The first chunk is the beginning of a.
    if (chunks.length === 0) {
      writeFileSync(join(source, 'a'), 'short');
      rmSync(join(source, 'b'));
    }
    chunks.push(chunk);
  }
  closeSync(fd);
  const archive = Buffer.concat(chunks);
  assert.deepEqual(names(archive), ['a', 'c', 'd']);
  assert.equal(execFileSync('tar', ['-xOf', '-', 'c'], { input: archive, maxBuffer: 1 << 22 }).compare(readFileSync(join(source, 'c'))), 0);
});
