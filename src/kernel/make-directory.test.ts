import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { makeDirectory } from './make-directory.ts';

test('makes what is missing, and tells where nothing can be made', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-make-'));
  t.after(() => rmSync(directory, { recursive: true }));
  makeDirectory(join(directory, 'a/b/../c'), 0o711);
  makeDirectory(join(directory, 'a/c'), 0o700);
  assert.equal(statSync(join(directory, 'a/c')).mode & 0o7777, 0o711);
  writeFileSync(join(directory, 'file'), '');
  assert.throws(() => makeDirectory(join(directory, 'file/x'), 0o711), { code: /^(EEXIST|ENOTDIR)$/ });
  assert.throws(() => makeDirectory('/proc/x/y', 0o711), { code: 'ENOENT' });
});
