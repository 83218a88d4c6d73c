/** Kernel parameters of the network, read and set through /proc/sys of the engine's own network namespace. See sysctl(8). */
import { readFileSync } from 'node:fs';
import { call, result, type Call } from '../kernel/call.ts';
import { AT_FDCWD, openFlags } from '../kernel/flags.ts';

const pathOf = (key: readonly string[]): string => `/proc/sys/${key.join('/')}`;

/** The value of a parameter; the key is a list, since names of interfaces may have dots. Absent where the kernel has none. */
export function readSysctl(key: readonly string[]): string | undefined {
  try {
    return readFileSync(pathOf(key), 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** The calls that set a parameter, and the one that closes its file, whatever becomes of the write. */
export function writeSysctl(key: readonly string[], value: string): { readonly calls: readonly Call[]; readonly finally: readonly Call[] } {
  const open = call('openat', [AT_FDCWD, pathOf(key), openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0]);
  return { calls: [open, call('write', [result(open), Buffer.from(value), value.length])], finally: [call('close', [result(open)])] };
}
