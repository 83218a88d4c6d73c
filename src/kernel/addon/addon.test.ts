import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { findProgram } from '../../../test/support/needs.ts';
import { architecture, type Architecture } from '../syscalls.ts';
import { assembleAddon } from './addon.ts';
import { addonFunctions, blockLayout, nodeApi } from './block.ts';

/** Loads an addon as ffi.ts does and uses each of its functions; says what came. */
const use = `
const loaded = { exports: {} };
process.dlopen(loaded, process.argv[2]);
const addon = loaded.exports;
const words = new Uint32Array(addon.block);
const getpid = process.arch === 'x64' ? 39 : 172;
const answers = { functions: Object.keys(addon).sort(), size: addon.block.byteLength };
words[0] = getpid;
answers.called = (addon.call(), words[0] === process.pid);
const bytes = new Uint8Array(8).fill(7);
answers.address = (addon.address(bytes), words[14] + words[15] > 0);
words.copyWithin(2, 14, 16);
words[4] = 8;
words[5] = 0;
const view = new Uint8Array(addon.view());
answers.view = view.join() === bytes.join() && (view[0] = 9, bytes[0] === 9);
answers.noBytes = (addon.address({}), words[14] + words[15] === 0);
const waiting = new Uint32Array(addon.block.byteLength / 4);
waiting[0] = getpid;
addon.address(new Uint8Array(waiting.buffer));
words.copyWithin(2, 14, 16);
addon.wait('system call').then((value) => {
  answers.waited = value === undefined && waiting[0] === process.pid;
  console.log(JSON.stringify(answers));
});
`;

function answers(t: TestContext, machine: Architecture, node: readonly string[]): unknown {
  const directory = mkdtempSync(join(tmpdir(), 'hako-addon-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'addon.node'), assembleAddon(machine));
  writeFileSync(join(directory, 'use.cjs'), use);
  const { stdout, stderr } = spawnSync(node[0]!, [...node.slice(1), join(directory, 'use.cjs'), join(directory, 'addon.node')], { encoding: 'utf8' });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout);
}

const all = {
  functions: ['block', ...addonFunctions].toSorted(),
  size: blockLayout.size,
  called: true,
  address: true,
  view: true,
  noBytes: true,
  waited: true,
};

test('Node loads it, and all of it works', (t) => assert.deepEqual(answers(t, architecture, [process.execPath]), all));

const other: Architecture = architecture === 'x64' ? 'arm64' : 'x64';
const otherNode = process.env['HAKO_OTHER_NODE'];
const emulated = other === 'arm64' ? (findProgram('qemu-aarch64') ?? findProgram('qemu-aarch64-static')) : undefined;
test(
  'so it does for the other architecture',
  {
    skip:
      otherNode && emulated
        ? false
        : `no Node for ${other} here: HAKO_OTHER_NODE is to be a directory with it and its libraries, and qemu-aarch64 (package qemu-user) is needed`,
  },
  (t) => assert.deepEqual(answers(t, other, [emulated!, '-L', otherNode!, join(otherNode!, 'node')]), all),
);

test('it needs nothing of others but functions of Node-API', () => {
  for (const machine of ['x64', 'arm64'] as const) {
    const file = Buffer.from(assembleAddon(machine));
    assert.equal(file.readUInt16LE(18), machine === 'x64' ? 62 : 183);
    assert.ok(file.length < 8192, `${file.length} bytes`);
    const texts = file.toString('latin1').split('\0');
    for (const name of nodeApi) assert.ok(texts.includes(name), name);
    assert.deepEqual(
      texts.filter((text) => text.startsWith('napi_') && !(nodeApi as readonly string[]).includes(text)),
      ['napi_register_module_v1'],
    );
  }
});

test('the same each time, so that a bundle that is built again is the same', () => {
  assert.deepEqual(assembleAddon('x64'), assembleAddon('x64'));
});
