/**
 * Conditions on a system call's arguments, compiled to classic BPF. An argument has 64 bits and the accumulator 32,
 * so each comparison looks at the high half first, and at the low half only where the high one did not decide.
 */
import type { ClassicAssembler, Label } from '../../kernel/bpf/classic.ts';
import { SeccompError } from './actions.ts';

/** Offsets in struct seccomp_data, in the byte order of x86-64 and arm64: nr, arch, instruction pointer, six arguments. */
export const seccompData = { nr: 0, arch: 4, args: 16, size: 64 } as const;

/** A condition: argument `index` compared with `value`; for MASKED_EQ, `value` is the mask and `valueTwo` what must remain. */
export interface Condition {
  readonly index: number;
  readonly op: string;
  readonly value: bigint;
  readonly valueTwo: bigint;
}

const operators = ['SCMP_CMP_EQ', 'SCMP_CMP_NE', 'SCMP_CMP_GT', 'SCMP_CMP_GE', 'SCMP_CMP_LT', 'SCMP_CMP_LE', 'SCMP_CMP_MASKED_EQ'];

/**
 * Checks a condition of a profile.
 * @throws SeccompError for an unknown operator, an argument beyond the sixth, a value that is no unsigned 64-bit number
 */
export function condition(arg: {
  readonly index: number;
  readonly value: number | bigint;
  readonly valueTwo?: number | bigint;
  readonly op: string;
}): Condition {
  if (!Number.isInteger(arg.index) || arg.index < 0 || arg.index > 5) {
    throw new SeccompError(`the seccomp profile compares argument ${arg.index}: a system call has the arguments 0 to 5`);
  }
  if (!operators.includes(arg.op)) throw new SeccompError(`the seccomp profile has an unknown operator '${arg.op}': use one of ${operators.join(', ')}`);
  return { index: arg.index, op: arg.op, value: unsigned64(arg.value), valueTwo: unsigned64(arg.valueTwo ?? 0) };
}

function unsigned64(value: number | bigint): bigint {
  const exact = typeof value === 'bigint' || Number.isInteger(value) ? BigInt(value) : undefined;
  if (exact === undefined || exact < 0n || exact >= 1n << 64n) {
    throw new SeccompError(`the seccomp profile compares an argument with ${value}: it must be a whole number from 0 to 18446744073709551615`);
  }
  return exact;
}

/**
 * Adds the comparison in front of what follows it.
 * @param wide whether the architecture's arguments have 64 bits; otherwise the low half alone is compared
 * @param yes where to go on when the condition holds
 * @param no where to go on when it does not
 */
export function compileCondition(assembler: ClassicAssembler, c: Condition, wide: boolean, yes: Label, no: Label): Label {
  switch (c.op) {
    case 'SCMP_CMP_EQ':
      return equal(assembler, c, wide, yes, no);
    case 'SCMP_CMP_NE':
      return equal(assembler, c, wide, no, yes);
    case 'SCMP_CMP_GT':
      return greater(assembler, c, wide, 'JGT', yes, no);
    case 'SCMP_CMP_GE':
      return greater(assembler, c, wide, 'JGE', yes, no);
    case 'SCMP_CMP_LT':
      return greater(assembler, c, wide, 'JGE', no, yes);
    case 'SCMP_CMP_LE':
      return greater(assembler, c, wide, 'JGT', no, yes);
    default:
      return maskedEqual(assembler, c, wide, yes, no);
  }
}

const low = (value: bigint): number => Number(value & 0xffffffffn);
const high = (value: bigint): number => Number(value >> 32n);
const lowOffset = (index: number): number => seccompData.args + index * 8;
const highOffset = (index: number): number => lowOffset(index) + 4;

function equal(a: ClassicAssembler, c: Condition, wide: boolean, yes: Label, no: Label): Label {
  const lowHalf = a.load(lowOffset(c.index), a.jump('JEQ', low(c.value), yes, no));
  return wide ? a.load(highOffset(c.index), a.jump('JEQ', high(c.value), lowHalf, no)) : lowHalf;
}

function greater(a: ClassicAssembler, c: Condition, wide: boolean, lowJump: 'JGT' | 'JGE', yes: Label, no: Label): Label {
  const lowHalf = a.load(lowOffset(c.index), a.jump(lowJump, low(c.value), yes, no));
  if (!wide) return lowHalf;
  const notGreater = a.jump('JEQ', high(c.value), lowHalf, no);
  return a.load(highOffset(c.index), a.jump('JGT', high(c.value), yes, notGreater));
}

function maskedEqual(a: ClassicAssembler, c: Condition, wide: boolean, yes: Label, no: Label): Label {
  // Bits outside the mask can't match, so they are not asked for (libseccomp does the same).
  const rest = c.valueTwo & c.value;
  const half = (offset: number, mask: number, datum: number, next: Label): Label =>
    mask === 0 ? next : a.load(offset, a.and(mask, a.jump('JEQ', datum, next, no)));
  const lowHalf = half(lowOffset(c.index), low(c.value), low(rest), yes);
  return wide ? half(highOffset(c.index), high(c.value), high(rest), lowHalf) : lowHalf;
}
