/**
 * The instructions of arm64 that more than one program of ours is made of, as words: d, n, m and t are numbers of registers, offsets are bytes.
 * Encodings: Arm Architecture Reference Manual, A64 base instructions.
 */

/** Loads and stores of 64 and 32 bits at `n` + `offset`, a multiple of their size. */
export const ldr64 = (t: number, n: number, offset = 0): number => 0xf9400000 | ((offset / 8) << 10) | (n << 5) | t;
export const ldr32 = (t: number, n: number, offset = 0): number => 0xb9400000 | ((offset / 4) << 10) | (n << 5) | t;
export const str64 = (t: number, n: number, offset = 0): number => 0xf9000000 | ((offset / 8) << 10) | (n << 5) | t;

export const mov = (d: number, m: number): number => 0xaa0003e0 | (m << 16) | d;
/** 16 bits as a whole register. @param half which sixteen bits */
export const movz = (d: number, value: number, half = 0): number => 0xd2800000 | (half << 21) | (value << 5) | d;
export const minusOne = (d: number): number => 0x92800000 | d; // movn d, #0
export const add = (d: number, n: number, value: number): number => 0x91000000 | (value << 10) | (n << 5) | d;
export const sub = (d: number, n: number, value: number): number => 0xd1000000 | (value << 10) | (n << 5) | d;

/** A system call. */
export const SVC = 0xd4000001;
/** The return from a function. */
export const RET = 0xd65f03c0;
