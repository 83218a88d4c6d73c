/** ELF files written by hand, with as little as makes a dynamic section. For tests. */
import { nativeMachine } from './elf-file.ts';

export interface ElfParts {
  readonly machine?: number;
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly rpath?: string;
  readonly runpath?: string;
}

/** A file with an ELF header, program headers, a dynamic section and its strings; loaded at 0x10000, so that addresses are not offsets. */
export function elfFile(parts: ElfParts): Buffer {
  const base = 0x10000;
  const strings = ['', parts.interpreter ?? '', ...(parts.needed ?? []), parts.rpath ?? '', parts.runpath ?? ''];
  const table = Buffer.from(strings.map((s) => `${s}\0`).join(''));
  const offsetOf = (i: number): number =>
    Buffer.byteLength(
      strings
        .slice(0, i)
        .map((s) => `${s}\0`)
        .join(''),
    );
  const needed = parts.needed ?? [];
  const tableAt = 64 + 3 * 56;
  const dynamic: [number, number][] = [
    ...needed.map((_, i): [number, number] => [1, offsetOf(2 + i)]),
    [5, base + tableAt],
    ...(parts.rpath === undefined ? [] : [[15, offsetOf(2 + needed.length)] as [number, number]]),
    ...(parts.runpath === undefined ? [] : [[29, offsetOf(3 + needed.length)] as [number, number]]),
    [0, 0],
  ];
  const dynamicAt = tableAt + table.length;
  const file = Buffer.alloc(dynamicAt + dynamic.length * 16);
  const word = (at: number, value: number): void => void file.writeBigUInt64LE(BigInt(value), at);
  file.write('\x7fELF\x02\x01\x01', 0, 'latin1');
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(parts.machine ?? nativeMachine, 18);
  word(32, 64);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(3, 56);
  const header = (index: number, type: number, offset: number, size: number): void => {
    const at = 64 + index * 56;
    file.writeUInt32LE(type, at);
    word(at + 8, offset);
    word(at + 16, base + offset);
    word(at + 32, size);
  };
  header(0, 1, 0, file.length);
  header(1, 2, dynamicAt, dynamic.length * 16);
  if (parts.interpreter !== undefined) header(2, 3, tableAt + offsetOf(1), parts.interpreter.length + 1);
  table.copy(file, tableAt);
  dynamic.forEach(([tag, value], i) => {
    word(dynamicAt + i * 16, tag);
    word(dynamicAt + i * 16 + 8, value);
  });
  return file;
}
