import assert from 'node:assert/strict';
import { closeSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { call, result, type Call, type Result } from '../../kernel/call.ts';
import { fsmountFlags, fsopenFlags } from '../../kernel/flags.ts';
import { perform } from '../../kernel/perform.ts';
import { layersInOneString } from './layers-in-one-string.ts';

const unable = process.getuid?.() !== 0 && 'needs root, to mount';

test('forty layers whose paths fill more than one string are stacked, and the working directory is as before', { skip: unable }, (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-layers-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const lower = Array.from({ length: 40 }, (_, n) => join(directory, `layer-${n}`));
  for (const [n, path] of lower.entries()) {
    mkdirSync(path);
    writeFileSync(join(path, `file-${n}`), '');
  }
  const cwd = process.cwd();
  const values = new Map<Call, number>();
  const resolve = (r: Result): number => values.get(r.of)!;
  const make = (c: Call): number => {
    const value = perform(c, resolve) as number;
    assert.ok(value >= 0, `${c.name} ${JSON.stringify(c.args)}: ${value}`);
    values.set(c, value);
    return value;
  };
  const context = call('fsopen', ['overlay', fsopenFlags.FSOPEN_CLOEXEC]);
  make(context);
  const { set, create, close } = layersInOneString(result(context), lower);
  for (const c of [...set, create]) make(c);
  const root = make(call('fsmount', [result(context), fsmountFlags.FSMOUNT_CLOEXEC, 0]));
  for (const c of [...close, call('close', [result(context)])]) make(c);
  assert.equal(readdirSync(`/proc/self/fd/${root}`).length, 40);
  process.chdir('.'); // forgets what Node remembers of it
  assert.equal(process.cwd(), cwd);
  closeSync(root);
});
