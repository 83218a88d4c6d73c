import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { nativeMachine, readElf, type ElfFile } from './elf-file.ts';
import { elfFile } from './elf-fixture.ts';

function read(t: TestContext, bytes: Uint8Array): ElfFile | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'hako-elf-'));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, 'file'), bytes);
  return readElf(join(directory, 'file'));
}

test('what a program needs is read: interpreter, libraries, search paths', (t) => {
  const elf = read(t, elfFile({ interpreter: '/lib64/ld.so', needed: ['liba.so.1', 'libb.so'], rpath: '$ORIGIN/../lib::/opt', runpath: '/x' }));
  assert.deepEqual(elf, {
    machine: nativeMachine,
    interpreter: '/lib64/ld.so',
    needed: ['liba.so.1', 'libb.so'],
    rpath: ['$ORIGIN/../lib', '/opt'],
    runpath: ['/x'],
  });
  assert.equal(read(t, elfFile({ machine: 183 }))?.machine, 183);
});

test("this process's own program is read", () => {
  const elf = readElf(process.execPath);
  assert.equal(elf?.machine, nativeMachine);
  assert.ok(elf.needed.includes('libc.so.6'));
});

test('what is no 64-bit little-endian ELF file is none', (t) => {
  for (const bytes of [Buffer.alloc(0), Buffer.from('#!/bin/sh\n'), Buffer.from('\x7fELF'), Buffer.alloc(64)]) assert.equal(read(t, bytes), undefined);
  const small = elfFile({});
  small[4] = 1;
  assert.equal(read(t, small), undefined);
});

test('hostile headers end in an error or in nothing, not in memory or time', (t) => {
  const changed = (change: (file: Buffer) => void): Buffer => {
    const file = elfFile({ interpreter: '/i', needed: ['a'] });
    change(file);
    return file;
  };
  assert.throws(
    () =>
      read(
        t,
        changed((f) => f.writeUInt16LE(0xffff, 56)),
      ),
    /has 65535 program headers/,
  );
  assert.throws(
    () =>
      read(
        t,
        changed((f) => f.writeUInt16LE(8, 54)),
      ),
    /unknown size/,
  );
  assert.throws(
    () =>
      read(
        t,
        changed((f) => f.writeBigUInt64LE(1n << 60n, 64 + 112 + 8)),
      ),
    /interpreter has no name/,
  );
  assert.throws(
    () =>
      read(
        t,
        changed((f) => f.writeUInt32LE(9, 64)),
      ),
    /string table is in no segment/,
  );
  // A dynamic section that claims to be huge, and lies beyond the file
  const beyond = changed((f) => {
    f.writeBigUInt64LE(1n << 40n, 64 + 56 + 8);
    f.writeBigUInt64LE((1n << 63n) - 1n, 64 + 56 + 32);
  });
  assert.deepEqual(read(t, beyond)?.needed, []);
  const cut = elfFile({ needed: ['name'] });
  assert.deepEqual(read(t, cut.subarray(0, 100))?.needed, []);
});

test('random damage never hangs or crashes', (t) => {
  const whole = elfFile({ interpreter: '/lib/ld.so', needed: ['a.so', 'b.so'], runpath: '$ORIGIN' });
  let seed = 1;
  const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  for (let i = 0; i < 500; i++) {
    const damaged = Buffer.from(whole);
    for (let n = 0; n < 4; n++) damaged[random(damaged.length)] = random(256);
    try {
      read(t, damaged);
    } catch (error) {
      assert.match((error as Error).message, /malformed ELF/);
    }
  }
});
