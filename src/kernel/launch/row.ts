/** The layout of a row of the syscall table, which the machine code in x64.ts and arm64.ts walks. All fields little-endian. */
export const rowLayout = {
  /** u32: the system call's number. */
  number: 0,
  /** u32: bit i set means that argument i is the address of the value, not the value (an earlier row's result). */
  indirect: 4,
  /** 6 × u64. */
  args: 8,
  /** i64: what the kernel returned; {@link notRun} until then. */
  result: 56,
  /** u64: the address of the row to go on with after an error (−4095 … −1). */
  onError: 64,
  /** u64: … after zero. In the child of a clone this is the way into its own part of the table. */
  onZero: 72,
  /** u64: … after anything else. */
  next: 80,
  size: 88,
} as const;

/** The result of a row that has not run. No system call returns it: errors end at −4095. */
export const notRun = -9999;
