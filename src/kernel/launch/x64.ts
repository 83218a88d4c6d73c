/**
 * The table interpreter for x86-64. rbx points to the row, r12 holds its indirect bits; the kernel preserves both.
 * No stack is used between the system calls, so it can run in a child that shares its parent's memory.
 * A call interrupted by a signal (EINTR) is made again.
 */
import { Assembler } from '../machine-code/assembler.ts';
import { rowLayout } from './row.ts';

const EINTR = 4;

/** Branch with an 8-bit distance. */
function jump(code: Assembler, opcode: number, label: string): void {
  code.bytes(opcode);
  code.reference(label, (view, at, distance) => view.setInt8(at, distance - 1)).bytes(0);
}
const JE = 0x74,
  JA = 0x77,
  JMP = 0xeb;

/** Adds the loop, with labels `loop`, `zero` and `error`; expects rbx to point to the first row. */
function interpreterX64(code: Assembler): void {
  const { number, indirect, args, result, onError, onZero, next } = rowLayout;
  code.label('loop').bytes(0x44, 0x8b, 0x63, indirect); // mov r12d, [rbx+indirect]
  // mov REG, [rbx+arg]; and, where the bit is set, mov REG, [REG]: rdi rsi rdx r10 r8 r9
  const load = [
    [0x48, 0x8b, 0x7b],
    [0x48, 0x8b, 0x73],
    [0x48, 0x8b, 0x53],
    [0x4c, 0x8b, 0x53],
    [0x4c, 0x8b, 0x43],
    [0x4c, 0x8b, 0x4b],
  ];
  const follow = [
    [0x48, 0x8b, 0x3f],
    [0x48, 0x8b, 0x36],
    [0x48, 0x8b, 0x12],
    [0x4d, 0x8b, 0x12],
    [0x4d, 0x8b, 0x00],
    [0x4d, 0x8b, 0x09],
  ];
  for (let i = 0; i < 6; i++) {
    code.bytes(...load[i]!, args + 8 * i);
    code.bytes(0x41, 0xf6, 0xc4, 1 << i, JE, follow[i]!.length); // test r12b, 1<<i; je over
    code.bytes(...follow[i]!);
  }
  code.bytes(0x8b, 0x43, number); // mov eax, [rbx+number]
  code.bytes(0x0f, 0x05); // syscall
  code.bytes(0x48, 0x83, 0xf8, 256 - EINTR); // cmp rax, -EINTR
  jump(code, JE, 'loop');
  code.bytes(0x48, 0x89, 0x43, result); // mov [rbx+result], rax
  code.bytes(0x48, 0x85, 0xc0); // test rax, rax
  jump(code, JE, 'zero');
  code.bytes(0x48, 0x3d, 0x00, 0xf0, 0xff, 0xff); // cmp rax, -4096
  jump(code, JA, 'error');
  code.bytes(0x48, 0x8b, 0x5b, next); // mov rbx, [rbx+next]
  jump(code, JMP, 'loop');
  code.label('zero').bytes(0x48, 0x8b, 0x5b, onZero);
  jump(code, JMP, 'loop');
  code.label('error').bytes(0x48, 0x8b, 0x5b, onError);
  jump(code, JMP, 'loop');
}

/** `long enter(clone_args, size, table)`: clone3; the child walks the table, the parent gets clone3's result. */
export function cloneEntryX64(): Uint8Array {
  const code = new Assembler();
  code.bytes(0x53, 0x41, 0x54); // push rbx; push r12
  code.bytes(0x48, 0x89, 0xd3); // mov rbx, rdx
  code.bytes(0xb8, 0xb3, 0x01, 0x00, 0x00); // mov eax, 435 (clone3)
  code.bytes(0x0f, 0x05, 0x48, 0x85, 0xc0); // syscall; test rax, rax
  jump(code, JE, 'loop');
  code.bytes(0x41, 0x5c, 0x5b, 0xc3); // pop r12; pop rbx; ret
  interpreterX64(code);
  return code.assemble();
}

/** A program's entry: maps descriptor `fd` at `base` (shared) and walks the table there. */
export function programEntryX64(base: number, size: number, fd: number): Uint8Array {
  const code = new Assembler();
  const imm32 =
    (...opcode: number[]) =>
    (value: number): Assembler =>
      code.bytes(...opcode).word(value);
  imm32(0xbf)(base); // mov edi, base
  imm32(0xbe)(size); // mov esi, size
  imm32(0xba)(3); // mov edx, PROT_READ|PROT_WRITE
  imm32(0x41, 0xba)(0x11); // mov r10d, MAP_SHARED|MAP_FIXED
  imm32(0x41, 0xb8)(fd); // mov r8d, fd
  code.bytes(0x45, 0x31, 0xc9); // xor r9d, r9d
  imm32(0xb8)(9); // mov eax, 9 (mmap)
  code.bytes(0x0f, 0x05); // syscall
  imm32(0xbb)(base); // mov ebx, base
  interpreterX64(code);
  return code.assemble();
}
