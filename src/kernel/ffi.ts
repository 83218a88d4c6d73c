/**
 * The one door to the C library: koffi's `syscall(2)`, and the memory calls the launcher needs.
 * No other file imports koffi. Its native part is loaded by itself, without what is around it and without Node's module loader, which
 * are for platforms and callers that are not ours (the Node that package-lock.json pins is of glibc): 1.5 ms instead of 8, and 5 ms less
 * that it has Node do (docs/decisions/dependencies.md). The command line never loads it.
 */
import { existsSync } from 'node:fs';
import { parentPath } from './absolute-path.ts';
import type * as Koffi from 'koffi';
import { provideExitGroup } from './exit.ts';
import { architecture, syscalls } from './syscalls.ts';

/** Of dlopen(3). node:os has it too, and takes half a millisecond to load. */
const RTLD_LAZY = 1;

/** The native part, where npm has put it: beside a directory above this file. @throws Error as Node's own, where there is none */
function loadKoffi(): typeof Koffi {
  const name = `node_modules/@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`;
  let directory = import.meta.dirname;
  while (directory !== '/' && !existsSync(`${directory}/${name}`)) directory = parentPath(directory);
  const module = { exports: {} };
  process.dlopen(module, `${directory}/${name}`, RTLD_LAZY);
  return module.exports as typeof Koffi;
}

const koffi = loadKoffi();
const libc = koffi.load(null);
const libcSyscall = libc.func('long syscall(long, void*, void*, void*, void*, void*, void*)');

/** What a raw argument may be: an integer, a pointer to the bytes of a buffer, or a NUL-terminated string. */
export type RawArg = number | bigint | string | Uint8Array | null;

/**
 * Makes one system call on this thread, now.
 * @param nr the number of the call on this architecture
 * @returns the kernel's return value; a failure is the negative errno, as the kernel itself returns it
 * @see syscall(2)
 */
export function rawSyscall(nr: number, a: RawArg = 0, b: RawArg = 0, c: RawArg = 0, d: RawArg = 0, e: RawArg = 0, f: RawArg = 0): number {
  const result = Number(libcSyscall(nr, a, b, c, d, e, f));
  return result === -1 ? -koffi.errno() : result;
}

/**
 * Makes one system call on a thread of libuv's pool, so that one in which the kernel waits does not hold up this one.
 * Never for calls that change a thread's namespaces or credentials: the pool's threads are shared.
 * @returns the kernel's return value, or -1 on failure: errno belongs to that thread and is lost
 */
export function rawSyscallAsync(nr: number, a: RawArg = 0, b: RawArg = 0, c: RawArg = 0, d: RawArg = 0, e: RawArg = 0, f: RawArg = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    libcSyscall.async(nr, a, b, c, d, e, f, (error: Error | null, result: unknown) => (error ? reject(error) : resolve(Number(result))));
  });
}

/** The address of a buffer's first byte. The buffer must stay referenced while the address is used. */
export function addressOf(bytes: Uint8Array): bigint {
  return BigInt(koffi.address(bytes));
}

/** A view of `length` bytes of this process's memory at `address`, such as a mapping made by mmap(2). */
export function viewMemory(address: bigint, length: number): Uint8Array {
  return new Uint8Array(koffi.view(address, length));
}

const entry = koffi.proto('intptr_t entry(void *, void *, void *)');

/** Calls the machine code at `address` with three pointer-sized arguments. */
export function callMachineCode(address: bigint, a: RawArg, b: RawArg, c: RawArg): number {
  return Number(koffi.call(address, entry, a, b, c));
}

provideExitGroup((status) => rawSyscall(syscalls.exit_group[architecture], status));
