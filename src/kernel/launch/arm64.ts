/**
 * The table interpreter for arm64: the same loop as x64.ts. x19 points to the row, w20 holds its indirect bits.
 * Encodings: Arm Architecture Reference Manual, A64 base instructions.
 */
import { Assembler } from '../machine-code/assembler.ts';
import { ldr32, ldr64, mov, movz, str64, SVC } from '../machine-code/arm64.ts';
import { rowLayout } from './row.ts';

const ROW = 19,
  INDIRECT = 20,
  NUMBER = 8;
const movk = (d: number, value: number, half: number): number => 0xf2800000 | (half << 21) | (value << 5) | d;
const cmn = (n: number, value: number): number => 0xb1000000 | (value << 10) | (n << 5) | 31;
const tbzOver = (t: number, bit: number): number => 0x36000000 | (bit << 19) | (2 << 5) | t; // skips one instruction

/** A branch to a label: the distance in instructions goes in at bit `shift`, `bits` wide. */
function branch(code: Assembler, opcode: number, label: string, shift: number, bits: number): void {
  code.reference(label, (view, at, distance) => view.setUint32(at, (opcode | (((distance / 4) & (2 ** bits - 1)) << shift)) >>> 0, true));
  code.word(0);
}
const jump = (code: Assembler, label: string): void => branch(code, 0x14000000, label, 0, 26);
const jumpIf = (code: Assembler, condition: number, label: string): void => branch(code, 0x54000000 | condition, label, 5, 19);
const jumpIfZero = (code: Assembler, register: number, label: string): void => branch(code, 0xb4000000 | register, label, 5, 19);
const EQ = 0,
  HS = 2;

/** Adds the loop; expects x19 to point to the first row. */
function interpreterArm64(code: Assembler): void {
  const { number, indirect, args, result, onError, onZero, next } = rowLayout;
  code
    .label('loop')
    .word(ldr32(NUMBER, ROW, number))
    .word(ldr32(INDIRECT, ROW, indirect));
  for (let i = 0; i < 6; i++)
    code
      .word(ldr64(i, ROW, args + 8 * i))
      .word(tbzOver(INDIRECT, i))
      .word(ldr64(i, i, 0));
  code.word(SVC);
  code.word(cmn(0, 4)); // -EINTR
  jumpIf(code, EQ, 'loop');
  code.word(str64(0, ROW, result));
  jumpIfZero(code, 0, 'zero');
  code.word(cmn(0, 4095)); // carry is set for -4095 … -1
  jumpIf(code, HS, 'error');
  code.word(ldr64(ROW, ROW, next));
  jump(code, 'loop');
  code.label('zero').word(ldr64(ROW, ROW, onZero));
  jump(code, 'loop');
  code.label('error').word(ldr64(ROW, ROW, onError));
  jump(code, 'loop');
}

/** `long enter(clone_args, size, table)`, as cloneEntryX64. */
export function cloneEntryArm64(): Uint8Array {
  const code = new Assembler();
  code.word(0xa9bf53f3); // stp x19, x20, [sp, #-16]!
  code.word(mov(ROW, 2)).word(movz(NUMBER, 435)).word(SVC);
  jumpIfZero(code, 0, 'loop');
  code.word(0xa8c153f3).word(0xd65f03c0); // ldp x19, x20, [sp], #16; ret
  interpreterArm64(code);
  return code.assemble();
}

/** A program's entry, as programEntryX64. */
export function programEntryArm64(base: number, size: number, fd: number): Uint8Array {
  const code = new Assembler();
  const load = (register: number, value: number): Assembler => code.word(movz(register, value & 0xffff)).word(movk(register, value >>> 16, 1));
  load(0, base);
  load(1, size);
  code.word(movz(2, 3)).word(movz(3, 0x11)).word(movz(4, fd)).word(movz(5, 0)).word(movz(NUMBER, 222)).word(SVC); // mmap
  load(ROW, base);
  interpreterArm64(code);
  return code.assemble();
}
