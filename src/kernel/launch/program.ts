/** The monitor's executable: maps its descriptor 3 and walks the table there. Some hundred bytes, no stack, no data. */
import { call } from '../call.ts';
import { AT_FDCWD, fcntlCommands, memfdFlags, openFlags } from '../flags.ts';
import { must } from '../perform.ts';
import { architecture, type Architecture } from '../syscalls.ts';
import { programEntryArm64 } from './arm64.ts';
import { staticElf } from './elf.ts';
import { programEntryX64 } from './x64.ts';

/** Where the program maps its table. */
export const tableAddress = 0x10000000;
/** The descriptor that it maps. */
export const tableDescriptor = 3;
/** How much it maps, in bytes; a table's file may be shorter. */
export const tableSize = 4 << 20;

/** The executable for an architecture (by default, this machine's). */
export function monitorProgram(of: Architecture = architecture): Uint8Array {
  const entry = of === 'x64' ? programEntryX64 : programEntryArm64;
  return staticElf(entry(tableAddress, tableSize, tableDescriptor), of);
}

/**
 * Puts an executable into a sealed memfd. The descriptor is for reading only: nobody can write to what runs
 * (CVE-2019-5736), and no path leads to it.
 */
export function sealedProgram(name: string, code: Uint8Array): number {
  const writable = must(call('memfd_create', [name, memfdFlags.MFD_CLOEXEC | memfdFlags.MFD_ALLOW_SEALING]));
  must(call('write', [writable, code, code.length]));
  const F_SEAL_ALL = 1 | 2 | 4 | 8;
  must(call('fcntl', [writable, fcntlCommands.F_ADD_SEALS, F_SEAL_ALL]));
  const readable = must(call('openat', [AT_FDCWD, `/proc/self/fd/${writable}`, openFlags.O_CLOEXEC, 0]));
  must(call('close', [writable]));
  return readable;
}
