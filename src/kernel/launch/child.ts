/**
 * Runs a table of calls in a child that shares our memory and our descriptors (CLONE_VM|CLONE_VFORK|CLONE_FILES),
 * while this thread waits. It is how something is done in another namespace without changing one of Node's threads:
 * the child joins or makes the namespace, opens what is wanted, and exits; the descriptor stays. About 0.1 ms.
 */
import { addressOf, callMachineCode, viewMemory } from '../ffi.ts';
import { call, type Call } from '../call.ts';
import { describeCall } from '../describe.ts';
import { KernelError } from '../errno.ts';
import { cloneFlags, mmapFlags, mmapProtections, openFlags, waitFlags } from '../flags.ts';
import { must, performNow } from '../perform.ts';
import { architecture } from '../syscalls.ts';
import { cloneEntryArm64 } from './arm64.ts';
import { compileTable, resultOf, rows, type RewriteTable, type Row, type Table } from './table.ts';
import { cloneEntryX64 } from './x64.ts';

/** struct clone_args, see clone(2). */
export const cloneArgsLayout = {
  flags: 0,
  pidfd: 8,
  childTid: 16,
  parentTid: 24,
  exitSignal: 32,
  stack: 40,
  stackSize: 48,
  tls: 56,
  setTid: 64,
  setTidSize: 72,
  cgroup: 80,
  size: 88,
} as const;

const scratchSize = 1 << 20;
interface Machine {
  readonly entry: bigint;
  /** Where tables are put; reused, since the call returns only when the child has left the memory. */
  readonly scratchAddress: bigint;
  readonly scratch: Uint8Array;
}
let machine: Machine | undefined;

function map(size: number): bigint {
  return BigInt(must(call('mmap', [0, size, mmapProtections.PROT_READ | mmapProtections.PROT_WRITE, mmapFlags.MAP_PRIVATE | mmapFlags.MAP_ANONYMOUS, -1, 0])));
}

function prepare(): Machine {
  const code = architecture === 'x64' ? cloneEntryX64() : cloneEntryArm64();
  const entry = map(4096);
  viewMemory(entry, code.length).set(code);
  must(call('mprotect', [entry, 4096, mmapProtections.PROT_READ | mmapProtections.PROT_EXEC]));
  const scratchAddress = map(scratchSize);
  return { entry, scratchAddress, scratch: viewMemory(scratchAddress, scratchSize) };
}

const allSignals = new Uint8Array(8).fill(0xff);
const noSignals = new Uint8Array(8);
const SIG_SETMASK = 2;

/** The row with which a child starts: signals were blocked over the clone, since handlers of ours must not run in it. */
export const unblockSignals = (): Call => call('rt_sigprocmask', [SIG_SETMASK, noSignals, null, 8]);

/**
 * Clones a child that walks `section` (its last row must end it: exit_group or execve), with this thread suspended
 * until it has left our memory.
 * @param flags clone flags beside CLONE_VM|CLONE_VFORK
 * @returns the child's process id; not reaped
 */
export function vforkTable(section: readonly Row[], flags: number): { readonly pid: number; readonly table: Table; readonly bytes: Uint8Array } {
  machine ??= prepare();
  const table = compileTable([section], machine.scratchAddress);
  if (table.bytes.length > scratchSize) throw new Error(`a table of ${table.bytes.length} bytes does not fit into ${scratchSize}`);
  machine.scratch.set(table.bytes);
  const cloneArgs = new Uint8Array(cloneArgsLayout.size);
  const view = new DataView(cloneArgs.buffer);
  view.setBigUint64(cloneArgsLayout.flags, BigInt(flags | cloneFlags.CLONE_VM | cloneFlags.CLONE_VFORK) | BigInt(cloneFlags.CLONE_CLEAR_SIGHAND), true);
  const before = new Uint8Array(8);
  must(call('rt_sigprocmask', [SIG_SETMASK, allSignals, before, 8]));
  const pid = callMachineCode(machine.entry, addressOf(cloneArgs), cloneArgsLayout.size, machine.scratchAddress);
  performNow(call('rt_sigprocmask', [SIG_SETMASK, before, null, 8]));
  // The C library's wrapper is not used, so the error is in the value itself.
  if (pid < 0) throw new KernelError('clone3(CLONE_VM|CLONE_VFORK)', -pid);
  return { pid, table, bytes: machine.scratch };
}

/**
 * Runs calls in a short-lived child that shares our descriptors; what it opens is ours.
 * @returns what each call returned, in order
 * @throws KernelError naming the call that failed (those after it have not run)
 */
export function runInChild(calls: readonly Call[], flags = 0, rewrite?: RewriteTable): number[] {
  const made = rows(calls);
  const section = [...made, { call: call('exit_group', [0]) }];
  rewrite?.(section);
  const { pid, table, bytes } = vforkTable(section, flags | cloneFlags.CLONE_FILES);
  performNow(call('wait4', [pid, null, waitFlags.__WALL, null]));
  return calls.map((c, i) => {
    const value = resultOf(table, made[i]!, bytes);
    if (value === undefined) throw new Error(`${describeCall(c)} did not run`);
    if (value < 0 && !c.accept?.includes(-value)) throw new KernelError(describeCall(c), -value);
    return value;
  });
}

/**
 * Makes calls in a short-lived child with descriptors of its own, which are gone with it, and gives what the kernel wrote to a buffer.
 * @returns what each call returned (undefined for those that did not run), and the buffer's bytes
 */
export function readInChild(calls: readonly Call[], buffer: Uint8Array): { readonly values: readonly (number | undefined)[]; readonly bytes: Uint8Array } {
  const made = rows(calls);
  const { pid, table, bytes } = vforkTable([...made, { call: call('exit_group', [0]) }], 0);
  performNow(call('wait4', [pid, null, waitFlags.__WALL, null]));
  const at = table.offsetOfBytes(buffer);
  return { values: made.map((row) => resultOf(table, row, bytes)), bytes: bytes.slice(at, at + buffer.length) };
}

/** A process that does nothing but be in its namespaces. */
export interface Holder {
  readonly pid: number;
  /** Ends it; what was opened of its namespaces stays. */
  release(): void;
}

/**
 * Starts a process in new namespaces that waits until it is released: for a user namespace whose maps are to be
 * written, since only its parent may write them. It shares our memory, but uses none of it beyond its own small table.
 * @param flags clone flags such as CLONE_NEWUSER
 */
export function holdNamespaces(flags: number): Holder {
  machine ??= prepare();
  const pipe = new Int32Array(2);
  must(call('pipe2', [new Uint8Array(pipe.buffer), openFlags.O_CLOEXEC]));
  const [reading, writing] = [pipe[0]!, pipe[1]!];
  const address = map(4096);
  const table = compileTable([rows([call('read', [reading, new Uint8Array(8), 1]), call('exit_group', [0])])], address);
  viewMemory(address, table.bytes.length).set(table.bytes);
  const cloneArgs = new Uint8Array(cloneArgsLayout.size);
  new DataView(cloneArgs.buffer).setBigUint64(cloneArgsLayout.flags, BigInt(flags | cloneFlags.CLONE_VM) | BigInt(cloneFlags.CLONE_CLEAR_SIGHAND), true);
  const before = new Uint8Array(8);
  // Signals stay blocked in it for good.
  must(call('rt_sigprocmask', [SIG_SETMASK, allSignals, before, 8]));
  const pid = callMachineCode(machine.entry, addressOf(cloneArgs), cloneArgsLayout.size, address);
  performNow(call('rt_sigprocmask', [SIG_SETMASK, before, null, 8]));
  const end = (): void => {
    performNow(call('close', [reading]));
    performNow(call('close', [writing]));
    performNow(call('munmap', [address, 4096]));
  };
  if (pid < 0) {
    end();
    throw new KernelError('clone3(CLONE_VM)', -pid);
  }
  return {
    pid,
    release() {
      performNow(call('write', [writing, 'x', 1]));
      performNow(call('wait4', [pid, null, waitFlags.__WALL, null]));
      end();
    },
  };
}
