/** The monitor's executable: maps its descriptor 3 and walks the table there. Some hundred bytes, no stack, no data. */
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
