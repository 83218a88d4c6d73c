/** Writes a static ELF executable of one segment: machine code, and nothing else. See elf(5). */
import type { Architecture } from '../syscalls.ts';

const headerSize = 64 + 2 * 56;
const loadAddress = 0x400000;

/** An executable file whose entry is the first byte of `code`. */
export function staticElf(code: Uint8Array, architecture: Architecture): Uint8Array {
  const size = headerSize + code.length;
  const file = new Uint8Array(size);
  const view = new DataView(file.buffer);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64-bit, little-endian, version 1
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, architecture === 'x64' ? 62 : 183, true); // EM_X86_64, EM_AARCH64
  view.setUint32(20, 1, true);
  view.setBigUint64(24, BigInt(loadAddress + headerSize), true); // e_entry
  view.setBigUint64(32, 64n, true); // e_phoff
  view.setUint16(52, 64, true); // e_ehsize
  view.setUint16(54, 56, true); // e_phentsize
  view.setUint16(56, 2, true); // e_phnum

  const segment = (at: number, type: number, flags: number, address: number, length: number, alignment: number): void => {
    view.setUint32(at, type, true);
    view.setUint32(at + 4, flags, true);
    view.setBigUint64(at + 16, BigInt(address), true);
    view.setBigUint64(at + 24, BigInt(address), true);
    view.setBigUint64(at + 32, BigInt(length), true);
    view.setBigUint64(at + 40, BigInt(length), true);
    view.setBigUint64(at + 48, BigInt(alignment), true);
  };
  segment(64, 1, 5, loadAddress, size, 0x10000); // PT_LOAD, read and execute
  segment(120, 0x6474e551, 6, 0, 0, 16); // PT_GNU_STACK: the stack is not executable
  file.set(code, headerSize);
  return file;
}
