/**
 * Writes an ELF shared object of machine code that dlopen(3) takes: functions that it gives by name, and places that the dynamic linker fills with
 * the addresses of functions of others. See elf(5); System V ABI, "Dynamic Linking"; its supplements for AMD64 and for AArch64.
 */
import type { Architecture } from '../syscalls.ts';

/** Where things lie when it is mapped, counted from its begin. */
export interface SharedObjectLayout {
  /** The first byte of the code. */
  readonly code: number;
  /** By the name of an imported function: the eight bytes that have its address. */
  readonly imports: ReadonlyMap<string, number>;
}

const headerSize = 64 + 4 * 56;
const symbolSize = 24;
const relocationSize = 24;
/** Of the file; all that is not written to is before it. */
const dataOffset = 0x1000;
/** The largest page of both architectures: what is written to is on pages of its own. */
const alignment = 0x10000;
const dataAddress = alignment + dataOffset;
/** DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_STRSZ, DT_SYMENT, DT_RELASZ, DT_RELAENT, and the end. */
const dynamicSize = 9 * 16;

const to8 = (n: number): number => Math.ceil(n / 8) * 8;

/** @param exported the function that it gives @param imported those that it calls */
function place(exported: string, imported: readonly string[]) {
  const symbols = 1 + imported.length + 1;
  const hash = headerSize;
  const symbolTable = to8(hash + 4 * (2 + 1 + symbols));
  const relocations = symbolTable + symbols * symbolSize;
  const strings = relocations + imported.length * relocationSize;
  const names = [...imported, exported];
  const stringsSize = 1 + names.reduce((sum, name) => sum + name.length + 1, 0);
  const code = to8(strings + stringsSize);
  return { symbols, hash, symbolTable, relocations, strings, stringsSize, names, code };
}

/** Where a shared object will have what its code is to reach. */
export function layoutOf(exported: string, imported: readonly string[]): SharedObjectLayout {
  return { code: place(exported, imported).code, imports: new Map(imported.map((name, i) => [name, dataAddress + dynamicSize + 8 * i])) };
}

/**
 * The file.
 * @param code as it was assembled for {@link layoutOf} @param entry where in it the exported function begins
 * @throws Error when it takes more than a page
 */
export function sharedObject(code: Uint8Array, entry: number, exported: string, imported: readonly string[], architecture: Architecture): Uint8Array {
  const at = place(exported, imported);
  if (at.code + code.length > dataOffset) throw new Error(`${code.length} bytes of code do not fit before ${dataOffset}`);
  const file = new Uint8Array(dataOffset + dynamicSize + 8 * imported.length);
  const view = new DataView(file.buffer);
  const word = (offset: number, value: number): void => view.setBigUint64(offset, BigInt(value), true);

  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]); // 64-bit, little-endian, version 1
  view.setUint16(16, 3, true); // ET_DYN
  view.setUint16(18, architecture === 'x64' ? 62 : 183, true); // EM_X86_64, EM_AARCH64
  view.setUint32(20, 1, true);
  word(32, 64); // e_phoff
  view.setUint16(52, 64, true); // e_ehsize
  view.setUint16(54, 56, true); // e_phentsize
  view.setUint16(56, 4, true); // e_phnum
  const segment = (index: number, type: number, flags: number, offset: number, address: number, length: number, aligned: number): void => {
    const header = 64 + 56 * index;
    view.setUint32(header, type, true);
    view.setUint32(header + 4, flags, true);
    word(header + 8, offset);
    word(header + 16, address);
    word(header + 24, address);
    word(header + 32, length);
    word(header + 40, length);
    word(header + 48, aligned);
  };
  segment(0, 1, 5, 0, 0, at.code + code.length, alignment); // PT_LOAD, read and execute
  segment(1, 1, 6, dataOffset, dataAddress, file.length - dataOffset, alignment); // PT_LOAD, read and write
  segment(2, 2, 6, dataOffset, dataAddress, dynamicSize, 8); // PT_DYNAMIC
  segment(3, 0x6474e551, 6, 0, 0, 0, 16); // PT_GNU_STACK: the stack is not executable

  // One chain of all symbols: who looks for a name compares them one by one, and only one name is looked for.
  view.setUint32(at.hash, 1, true); // buckets
  view.setUint32(at.hash + 4, at.symbols, true); // chains
  view.setUint32(at.hash + 8, at.symbols - 1, true); // the bucket begins with the last symbol, the exported one
  let name = 1;
  at.names.forEach((text, i) => {
    const symbol = at.symbolTable + (i + 1) * symbolSize;
    view.setUint32(symbol, name, true);
    view.setUint8(symbol + 4, 0x12); // STB_GLOBAL, STT_FUNC
    if (text === exported) {
      view.setUint16(symbol + 6, 1, true); // defined: in any section but none
      word(symbol + 8, at.code + entry);
    }
    for (let k = 0; k < text.length; k++) file[at.strings + name + k] = text.charCodeAt(k);
    name += text.length + 1;
  });
  imported.forEach((_, i) => {
    const relocation = at.relocations + i * relocationSize;
    word(relocation, dataAddress + dynamicSize + 8 * i);
    view.setUint32(relocation + 8, architecture === 'x64' ? 6 : 1025, true); // R_X86_64_GLOB_DAT, R_AARCH64_GLOB_DAT
    view.setUint32(relocation + 12, i + 1, true);
  });
  file.set(code, at.code);
  [
    [4, at.hash], // DT_HASH
    [5, at.strings], // DT_STRTAB
    [6, at.symbolTable], // DT_SYMTAB
    [7, at.relocations], // DT_RELA
    [10, at.stringsSize], // DT_STRSZ
    [11, symbolSize], // DT_SYMENT
    [8, imported.length * relocationSize], // DT_RELASZ
    [9, relocationSize], // DT_RELAENT
    [0, 0], // DT_NULL
  ].forEach(([tag, value], i) => {
    word(dataOffset + 16 * i, tag!);
    word(dataOffset + 16 * i + 8, value!);
  });
  return file;
}
