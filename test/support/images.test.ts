/** The tests' own image builders, checked by other people's tools: what they make is what those tools understand. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { dockerArchive, exitProgram, ociArchive, trueImage } from './images.ts';
import { needs } from './needs.ts';
import { tar } from './tar.ts';

const directory = mkdtempSync(join(tmpdir(), 'hako-images-'));
after(() => rmSync(directory, { recursive: true, force: true }));

test('tar(1) lists the archive as it was described', () => {
  const archive = tar([
    { name: 'd/', type: '5', uid: 7, gid: 8 },
    { name: 'd/file', contents: 'hello', mode: 0o4711, pax: { 'SCHILY.xattr.user.a': 'b' } },
    { name: 'd/link', type: '2', linkname: 'file' },
    { name: 'd/null', type: '3', major: 1, minor: 3 },
  ]);
  const { stdout } = spawnSync('tar', ['--numeric-owner', '-tvf', '-'], { input: archive, encoding: 'utf8' });
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' '));
  assert.match(lines[0]!, /^drwxr-xr-x 7\/8 0 .* d\/$/);
  assert.match(lines[1]!, /^-rws--x--x 0\/0 5 .* d\/file$/);
  assert.match(lines[2]!, /^lrw-r--r-- .* d\/link -> file$/);
  assert.match(lines[3]!, /^crw-r--r-- 0\/0 1,3 .* d\/null$/);
});

test('the smallest program runs', () => {
  const path = join(directory, 'exit');
  writeFileSync(path, exitProgram(42), { mode: 0o755 });
  assert.equal(spawnSync(path).status, 42);
});

test('skopeo reads both kinds of archive as the same image', { skip: needs('skopeo') }, () => {
  const inspect = (transport: string, archive: Buffer): { Layers: string[]; Architecture: string } => {
    const path = join(directory, transport);
    writeFileSync(path, archive);
    const { stdout, stderr } = spawnSync('skopeo', ['inspect', '--config', `${transport}:${path}`], { encoding: 'utf8' });
    assert.notEqual(stdout, '', stderr);
    return JSON.parse(stdout);
  };
  assert.deepEqual(inspect('oci-archive', ociArchive(trueImage)), inspect('docker-archive', dockerArchive(trueImage)));
});
