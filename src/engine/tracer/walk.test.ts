import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { TracedThread } from './thread.ts';
import { walk, type Walk } from './walk.ts';

const directory = mkdtempSync(join(tmpdir(), 'hako-walk-'));
after(() => rmSync(directory, { recursive: true }));
mkdirSync(join(directory, 'a/b'), { recursive: true });
writeFileSync(join(directory, 'a/b/file'), 'text');
symlinkSync('b/../b/file', join(directory, 'a/link'));
symlinkSync('loop', join(directory, 'loop'));

const at = (path: string, follow = true): Walk => walk(new TracedThread(process.pid), 'cwd', path, follow);
const descriptors = (): number => readdirSync('/proc/self/fd').length;

test('a path is walked as the kernel walks it, and says where it ends', () => {
  const file = `${directory}/a/b/file`;
  assert.equal(at(`${directory}/a/./link`).final?.path, file);
  assert.equal(at(`${directory}/a/link`, false).final?.path, `${directory}/a/link`);
  assert.equal(at(`${'../'.repeat(60)}${file.slice(1)}`).final?.path, file, 'no way leads up from the root');
  assert.deepEqual(at(`${directory}/a/none/file`).missing?.path, `${directory}/a/none`);
  assert.equal(at(`${file}/x`).notDirectory?.path, file);
  assert.equal(at(`${directory}/loop`).tooManyLinks, true);
});

test('what leads a thread to itself in /proc leads there', () => {
  const { pid } = process;
  assert.equal(at('/proc/self/status').final?.status.identity, at(`/proc/${pid}/status`).final?.status.identity);
  assert.equal(at('/proc/thread-self/status').final?.status.identity, at(`/proc/${pid}/task/${pid}/status`).final?.status.identity);
});

test('no descriptor is left open, and few are while it goes on, however long the way is', () => {
  const before = descriptors();
  let during = 0;
  walk(new TracedThread(process.pid), 'cwd', `${directory}/a/${'b/../'.repeat(500)}b/file`, true, () => (during = descriptors()));
  at(`${directory}/loop`);
  at(`${directory}/a/none/file`);
  assert.equal(descriptors(), before);
  assert.ok(during <= before + 3, `${during} descriptors, ${before} before`);
});
