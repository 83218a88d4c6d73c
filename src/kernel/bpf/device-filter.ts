/**
 * The eBPF program that decides about device access in cgroup v2, which has no devices controller: the kernel runs it
 * for each open and mknod of a device by a process of the cgroup. It is assembled here from a list of rules, without a compiler.
 *
 * The context is `struct bpf_cgroup_dev_ctx { u32 access_type; u32 major; u32 minor; }`, access_type being the
 * access bits in the upper half and the device's type in the lower one. Return 1 allows, 0 denies (EPERM).
 * See include/uapi/linux/bpf.h, Documentation/bpf/standardization/instruction-set.rst.
 */

/** A rule, in the terms of the OCI runtime specification; of rules that speak of the same access, the last holds. */
export interface DeviceFilterRule {
  readonly allow: boolean;
  /** `a` or absent: character and block devices. */
  readonly type?: 'a' | 'c' | 'b';
  /** Absent or negative: any. */
  readonly major?: number;
  readonly minor?: number;
  /** Any of `r`, `w`, `m`; absent: all three. */
  readonly access?: string;
}

const deviceTypes = { b: 1, c: 2 } as const;
const accessBits = { m: 1, r: 2, w: 4 } as const;

/** Registers: r0 is what the program returns, r1 the context it is given; the others are ours. */
const r0 = 0,
  context = 1,
  type = 2,
  access = 3,
  major = 4,
  minor = 5,
  scratch = 6;

/** Opcodes: class | source or size | operation. */
const LDX_W = 0x61,
  MOV64_IMM = 0xb7,
  MOV64_REG = 0xbf,
  AND32_IMM = 0x54,
  RSH32_IMM = 0x74,
  JEQ_IMM = 0x15,
  JNE_IMM = 0x55,
  EXIT = 0x95;

interface Instruction {
  readonly code: number;
  readonly to?: number;
  readonly from?: number;
  readonly offset?: number;
  readonly value?: number;
}

const leave = (answer: 0 | 1): Instruction[] => [{ code: MOV64_IMM, to: r0, value: answer }, { code: EXIT }];

/** The bits of an access string such as `rwm`. */
export function accessMask(letters = 'rwm'): number {
  let mask = 0;
  for (const letter of letters) {
    const bit = accessBits[letter as keyof typeof accessBits];
    if (bit === undefined) throw new Error(`"${letters}" is not a device access: use letters of rwm`);
    mask |= bit;
  }
  return mask;
}

/**
 * Assembles the program for a list of rules; what no rule allows is denied.
 *
 * An open may ask for reading and writing at once, and different rules may decide the two. So the program walks the
 * rules from the last to the first and keeps the access that is still undecided: a rule that denies any of it ends in
 * "no", one that allows takes its letters away, and when nothing is left the answer is "yes".
 * @returns the instructions, 8 bytes each, as BPF_PROG_LOAD takes them
 */
export function assembleDeviceFilter(rules: readonly DeviceFilterRule[]): Uint8Array {
  const program: Instruction[] = [
    { code: LDX_W, to: type, from: context, offset: 0 },
    { code: MOV64_REG, to: access, from: type },
    { code: RSH32_IMM, to: access, value: 16 },
    { code: AND32_IMM, to: type, value: 0xffff },
    { code: LDX_W, to: major, from: context, offset: 4 },
    { code: LDX_W, to: minor, from: context, offset: 8 },
  ];
  for (const rule of rules.toReversed()) {
    const mask = accessMask(rule.access);
    if (mask === 0) continue;
    const tests: (readonly [register: number, value: number])[] = [];
    if (rule.type === 'b' || rule.type === 'c') tests.push([type, deviceTypes[rule.type]]);
    if (rule.major !== undefined && rule.major >= 0) tests.push([major, rule.major]);
    if (rule.minor !== undefined && rule.minor >= 0) tests.push([minor, rule.minor]);
    const body: Instruction[] = rule.allow
      ? [{ code: AND32_IMM, to: access, value: ~mask & 7 }, { code: JNE_IMM, to: access, value: 0, offset: 2 }, ...leave(1)]
      : [
          { code: MOV64_REG, to: scratch, from: access },
          { code: AND32_IMM, to: scratch, value: mask },
          { code: JEQ_IMM, to: scratch, value: 0, offset: 2 },
          ...leave(0),
        ];
    tests.forEach(([register, value], i) => program.push({ code: JNE_IMM, to: register, value, offset: tests.length - 1 - i + body.length }));
    program.push(...body);
  }
  program.push(...leave(0));
  return encode(program);
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8);
  const view = new DataView(bytes.buffer);
  program.forEach(({ code, to = 0, from = 0, offset = 0, value = 0 }, i) => {
    view.setUint8(i * 8, code);
    view.setUint8(i * 8 + 1, (from << 4) | to);
    view.setInt16(i * 8 + 2, offset, true);
    view.setInt32(i * 8 + 4, value, true);
  });
  return bytes;
}
