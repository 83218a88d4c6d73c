/**
 * Classic BPF: the instruction set that seccomp(2) filters are written in, and an assembler for it.
 *
 * Classic BPF jumps forward only, so a program is built from its end: an instruction is added in front of those that
 * it can lead to, whose places are then known. Equal instructions with equal continuations become one. See
 * Documentation/networking/filter.rst and include/uapi/linux/bpf_common.h of Linux.
 */
import { Struct } from '../call.ts';

/** One instruction, as struct sock_filter: opcode, jump offsets if true and if false, constant. */
export interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Opcodes that seccomp accepts and that filters here use. */
export const opcodes = {
  /** Load the 32-bit word at offset k of the data. */
  LD_W_ABS: 0x20,
  ALU_AND_K: 0x54,
  JMP_JA: 0x05,
  JMP_JEQ_K: 0x15,
  JMP_JGT_K: 0x25,
  JMP_JGE_K: 0x35,
  JMP_JSET_K: 0x45,
  RET_K: 0x06,
} as const;

/** The most instructions that the kernel takes in one filter, BPF_MAXINSNS. */
export const maxInstructions = 4096;
/** A conditional jump reaches this many instructions ahead. */
const reach = 255;

/** A place in a program under construction: what an instruction can continue with. */
export type Label = number & { readonly label: unique symbol };

/** Assembles a program from its end to its start. */
export class ClassicAssembler {
  // In reverse: the last instruction of the program is the first here, so a label never moves.
  private readonly reversed: Instruction[] = [];
  private readonly known = new Map<string, Label>();
  /** Those that end the program: asked for once for each call that a filter names. */
  private readonly answers = new Map<number, Label>();
  /** For a target out of reach, the nearest unconditional jump to it. */
  private readonly relays = new Map<Label, Label>();

  /** Ends the program with the value k. */
  ret(k: number): Label {
    let label = this.answers.get(k);
    if (label === undefined) this.answers.set(k, (label = this.push(opcodes.RET_K, 0, 0, k)));
    return label;
  }

  /** Loads the 32-bit word at `offset` into the accumulator, and goes on with `next`. */
  load(offset: number, next: Label): Label {
    return this.straight(opcodes.LD_W_ABS, offset, next);
  }

  /** Ands the accumulator with `mask`, and goes on with `next`. */
  and(mask: number, next: Label): Label {
    return this.straight(opcodes.ALU_AND_K, mask, next);
  }

  /** Compares the accumulator (unsigned) with k, and goes on with `yes` or `no`. */
  jump(op: 'JEQ' | 'JGT' | 'JGE' | 'JSET', k: number, yes: Label, no: Label): Label {
    if (yes === no) return yes;
    return this.place(`${op}${k}:${yes}:${no}`, () => {
      // A relay adds an instruction in front, which moves the other target one further off: hence the margin of one.
      const near = this.near(yes, 1);
      const alsoNear = this.near(no, 0);
      return this.push(opcodes[`JMP_${op}_K`], this.distance(near), this.distance(alsoNear), k);
    });
  }

  /** The program that starts at `first`, which must be the instruction added last or one that it can be reached from. */
  program(first: Label): Instruction[] {
    this.adjacent(first);
    return this.reversed.toReversed();
  }

  private straight(code: number, k: number, next: Label): Label {
    return this.place(`${code}.${k}:${next}`, () => {
      this.adjacent(next);
      return this.push(code, 0, 0, k);
    });
  }

  /** Makes the instruction that is added next fall through into `target`. */
  private adjacent(target: Label): void {
    if (target !== this.reversed.length - 1) this.push(opcodes.JMP_JA, 0, 0, this.distance(target));
  }

  private place(key: string, make: () => Label): Label {
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const label = make();
    this.known.set(key, label);
    return label;
  }

  private near(target: Label, margin: number): Label {
    if (this.distance(target) + margin <= reach) return target;
    const relay = this.relays.get(target);
    if (relay !== undefined && this.distance(relay) + margin <= reach) return relay;
    const made = this.push(opcodes.JMP_JA, 0, 0, this.distance(target));
    this.relays.set(target, made);
    return made;
  }

  /** How many instructions the one that is added next must skip to reach `target`. */
  private distance(target: Label): number {
    return this.reversed.length - target - 1;
  }

  private push(code: number, jt: number, jf: number, k: number): Label {
    this.reversed.push({ code, jt, jf, k });
    return (this.reversed.length - 1) as Label;
  }
}

/** The bytes of a program: an array of struct sock_filter, in the byte order of x86-64 and arm64. */
export function encodeProgram(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach((instruction, i) => {
    view.setUint16(i * 8, instruction.code, true);
    view.setUint8(i * 8 + 2, instruction.jt);
    view.setUint8(i * 8 + 3, instruction.jf);
    view.setUint32(i * 8 + 4, instruction.k, true);
  });
  return bytes;
}

/** The program in bytes that {@link encodeProgram} made, or the kernel gave. */
export function decodeProgram(bytes: Uint8Array): Instruction[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 8 }, (_, i) => ({
    code: view.getUint16(i * 8, true),
    jt: view.getUint8(i * 8 + 2),
    jf: view.getUint8(i * 8 + 3),
    k: view.getUint32(i * 8 + 4, true),
  }));
}

/** struct sock_fprog: the number of instructions and the pointer to them. */
export function sockFprog(program: Uint8Array): Struct {
  const bytes = new Uint8Array(16);
  const length = program.length / 8;
  new DataView(bytes.buffer).setUint16(0, length, true);
  return new Struct(`{len=${length}, filter=<${program.length} bytes>}`, bytes, [[8, program]]);
}
