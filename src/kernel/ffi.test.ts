import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { errno } from './errno.ts';
import { addressOf, callMachineCode, rawSyscall, rawSyscallAsync, viewMemory } from './ffi.ts';
import { AT_FDCWD, mmapFlags, mmapProtections, openFlags } from './flags.ts';
import { architecture } from './syscalls.ts';

const SEEK_SET = 0;

function sparseFile(): number {
  const fd = rawSyscall('memfd_create', 'sparse', 0);
  assert.ok(fd > 2, String(fd));
  return fd;
}

test('a call has its result, and its negative errno', () => {
  assert.equal(rawSyscall('getpid'), process.pid);
  assert.equal(rawSyscall('close', 1 << 20), -errno.EBADF);
  assert.equal(rawSyscall('openat', AT_FDCWD, '/no/such/file', 0, 0), -errno.ENOENT, 'a negative number and a text');
});

test('words of 64 bits go and come whole, as numbers and as bigints', () => {
  const fd = sparseFile();
  for (const position of [0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 5, 2 ** 40 + 7]) {
    assert.equal(rawSyscall('lseek', fd, position, SEEK_SET), position);
    assert.equal(rawSyscall('lseek', fd, BigInt(position), SEEK_SET), position);
  }
  for (const negative of [-1, -(2 ** 31), -(2 ** 33)]) assert.equal(rawSyscall('lseek', fd, negative, SEEK_SET), -errno.EINVAL);
  closeSync(fd);
});

test('what a call is not given is zero, whatever the one before had', () => {
  const fd = openSync('/dev/null', 'r');
  assert.equal(rawSyscall('lseek', fd, 1, 2, 3, 4, 5), 0);
  assert.equal(rawSyscall('kill', process.pid), 0, 'signal 0, which asks only');
  closeSync(fd);
});

test('texts reach the kernel whole: several in a call, such as are not ASCII, and such as are longer than most', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'hako-ffi-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const [from, to] = [`${directory}/箱舟-é-😀`, `${directory}/${'長'.repeat(80)}`];
  assert.equal(rawSyscall('mkdirat', AT_FDCWD, from, 0o700), 0);
  assert.equal(rawSyscall('renameat2', AT_FDCWD, from, AT_FDCWD, to, 0), 0);
  assert.deepEqual(readdirSync(directory), ['長'.repeat(80)]);
  const target = 'x'.repeat(4000);
  assert.equal(rawSyscall('symlinkat', target, AT_FDCWD, `${directory}/link`), 0, 'more than fits beside another');
  assert.equal(readlinkSync(`${directory}/link`), target);
  for (const length of [2000, 2729, 2730, 2731, 4096, 100_000])
    assert.equal(rawSyscall('openat', AT_FDCWD, `/${'./'.repeat(length / 2)}no-such-file`, 0, 0), length < 4083 ? -errno.ENOENT : -errno.ENAMETOOLONG);
});

test('the kernel reads from buffers and writes into them, small ones and parts of others too', () => {
  const fd = sparseFile();
  const pool = Buffer.from('..hello..');
  assert.equal(rawSyscall('pwrite64', fd, pool.subarray(2, 7), 5, 0), 5);
  for (const size of [8, 64, 65, 4096]) {
    const into = new Uint8Array(size);
    assert.equal(rawSyscall('pread64', fd, into, size, 0), 5);
    assert.equal(Buffer.from(into.subarray(0, 5)).toString(), 'hello');
  }
  assert.equal(rawSyscall('pread64', fd, null, 5, 0), -errno.EFAULT);
  closeSync(fd);
});

test('an address is where the bytes are, and stays', () => {
  const bytes = new Uint8Array(8);
  const address = addressOf(bytes);
  const view = viewMemory(address, 8);
  view[3] = 7;
  assert.equal(bytes[3], 7);
  for (let i = 0; i < 1000; i++) Buffer.alloc(4096, i);
  assert.equal(addressOf(bytes), address);
});

test('machine code is called with three words', () => {
  const { PROT_READ, PROT_WRITE, PROT_EXEC } = mmapProtections;
  const at = BigInt(rawSyscall('mmap', 0, 4096, PROT_READ | PROT_WRITE, mmapFlags.MAP_PRIVATE | mmapFlags.MAP_ANONYMOUS, -1, 0));
  // a + b - c: lea rax, [rdi+rsi]; sub rax, rdx; ret — add x0, x0, x1; sub x0, x0, x2; ret
  const code = architecture === 'x64' ? [0x48, 0x8d, 0x04, 0x37, 0x48, 0x29, 0xd0, 0xc3] : [0, 0, 1, 0x8b, 0, 0, 2, 0xcb, 0xc0, 0x03, 0x5f, 0xd6];
  viewMemory(at, 4096).set(code);
  assert.equal(rawSyscall('mprotect', at, 4096, PROT_READ | PROT_EXEC), 0);
  assert.equal(callMachineCode(at, 2 ** 40, 5, 2), 2 ** 40 + 3);
  assert.equal(callMachineCode(at, 1, 2n, 5), -2);
  assert.equal(rawSyscall('munmap', at, 4096), 0);
});

test('calls that wait do so beside one another, and tell their errno', async () => {
  const pipe = new Int32Array(2);
  assert.equal(rawSyscall('pipe2', new Uint8Array(pipe.buffer), openFlags.O_CLOEXEC), 0);
  const [reading, writing] = [pipe[0]!, pipe[1]!];
  const first = new Uint8Array(1);
  const waits = rawSyscallAsync('read', reading, first, 1);
  assert.equal(await rawSyscallAsync('close', 1 << 20), -errno.EBADF, 'while the other waits');
  assert.equal(await rawSyscallAsync('getpid'), process.pid);
  assert.equal(rawSyscall('write', writing, 'x', 1), 1);
  assert.equal(await waits, 1);
  assert.equal(first[0], 'x'.charCodeAt(0));
  closeSync(reading);
  closeSync(writing);
});

test('threads have a block each', async () => {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     import(workerData).then(({ rawSyscall }) => {
       parentPort.postMessage('begun');
       let wrong = 0;
       for (let i = 0; i < 200_000; i++) if (rawSyscall('close', 1 << 20) !== -9) wrong++;
       parentPort.postMessage(wrong);
     });`,
    { eval: true, workerData: import.meta.resolve('./ffi.ts') },
  );
  assert.deepEqual(await once(worker, 'message'), ['begun']);
  let wrong = 0;
  for (let i = 0; i < 200_000; i++) if (rawSyscall('getpid') !== process.pid) wrong++;
  assert.deepEqual(await once(worker, 'message'), [0]);
  assert.equal(wrong, 0);
});

test('native code is that of Node and the addon alone', () => {
  const libraries = readFileSync('/proc/self/maps', 'utf8').match(/\S+\.node$/gm) ?? [];
  assert.deepEqual(
    [...new Set(libraries)].filter((path) => !path.endsWith('/syscall.node')),
    [],
  );
});
