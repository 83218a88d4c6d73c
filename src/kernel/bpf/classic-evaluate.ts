/**
 * Evaluates a classic BPF program as the kernel would: what a filter decides can be asked without loading it.
 * Strict like the kernel's own checker: an unknown opcode, a jump out of the program or a load out of the data is an error.
 */
import { opcodes, type Instruction } from './classic.ts';

/** What a program returned, and how many instructions it took to get there. */
export interface Evaluation {
  readonly value: number;
  readonly steps: number;
}

/**
 * @param data the words that the program may load; for seccomp, the 64 bytes of struct seccomp_data
 * @throws RangeError where the kernel would have refused the program
 */
export function evaluate(program: readonly Instruction[], data: DataView): Evaluation {
  let accumulator = 0;
  let at = 0;
  for (let steps = 1; ; steps++) {
    const instruction = program[at];
    if (!instruction) throw new RangeError(`the program runs out at instruction ${at}`);
    const { code, jt, jf, k } = instruction;
    const branch = (taken: boolean): number => at + 1 + (taken ? jt : jf);
    switch (code) {
      case opcodes.LD_W_ABS:
        if (k % 4 !== 0 || k + 4 > data.byteLength) throw new RangeError(`load at offset ${k}`);
        accumulator = data.getUint32(k, true);
        at++;
        break;
      case opcodes.ALU_AND_K:
        accumulator = (accumulator & k) >>> 0;
        at++;
        break;
      case opcodes.JMP_JA:
        at += 1 + k;
        break;
      case opcodes.JMP_JEQ_K:
        at = branch(accumulator === k);
        break;
      case opcodes.JMP_JGT_K:
        at = branch(accumulator > k);
        break;
      case opcodes.JMP_JGE_K:
        at = branch(accumulator >= k);
        break;
      case opcodes.JMP_JSET_K:
        at = branch((accumulator & k) !== 0);
        break;
      case opcodes.RET_K:
        return { value: k, steps };
      default:
        throw new RangeError(`opcode 0x${code.toString(16)} at instruction ${at}`);
    }
  }
}
