/**
 * Numbers of all system calls of Linux, by name and architecture: what a seccomp profile's names mean.
 * (src/kernel/syscalls.ts is another thing: the few calls that the project itself makes, with their arguments.)
 */
import { aarch64, arm } from './numbers-arm.ts';
import { common, time64 } from './numbers-common.ts';
import { i386, x32Differs, x32Lacks, x86_64 } from './numbers-x86.ts';

/** Architectures that filters can be made for, named as in the OCI runtime specification. */
export type SeccompArchitecture = 'SCMP_ARCH_X86_64' | 'SCMP_ARCH_X86' | 'SCMP_ARCH_X32' | 'SCMP_ARCH_AARCH64' | 'SCMP_ARCH_ARM';

/** Numbers by name. The numbers of x32 lack the bit {@link x32Bit}. */
export type SyscallNumbers = ReadonlyMap<string, number>;

/** Set in the number of every x32 call, on a machine whose audit architecture is x86-64. */
export const x32Bit = 0x40000000;

const tables = new Map<SeccompArchitecture, SyscallNumbers>();

/** The calls of an architecture; parsed at the first use. */
export function syscallNumbers(architecture: SeccompArchitecture): SyscallNumbers {
  let table = tables.get(architecture);
  if (!table) tables.set(architecture, (table = makeTable(architecture)));
  return table;
}

const nine = 0x39; // its character's code

function makeTable(architecture: SeccompArchitecture): SyscallNumbers {
  const table = new Map<string, number>();
  const add = (runs: string): void => {
    let number = 0;
    for (const word of runs.trim().split(/\s+/)) {
      if (word.charCodeAt(0) <= nine) number = Number(word);
      else table.set(word, number++);
    }
  };
  add(common);
  switch (architecture) {
    case 'SCMP_ARCH_X86_64':
      add(x86_64);
      break;
    case 'SCMP_ARCH_X32':
      add(x86_64);
      for (const name of x32Lacks.trim().split(/\s+/)) table.delete(name);
      add(x32Differs);
      break;
    case 'SCMP_ARCH_X86':
      add(time64);
      add(i386);
      break;
    case 'SCMP_ARCH_AARCH64':
      add(aarch64);
      break;
    case 'SCMP_ARCH_ARM':
      add(time64);
      add(arm);
      break;
  }
  return table;
}
