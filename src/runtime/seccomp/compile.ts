/**
 * Compiles the seccomp part of an OCI configuration to the classic BPF program that seccomp(2) loads.
 *
 * The program looks at the architecture, then finds the call's number in a binary search over ranges of numbers that
 * have the same answer. Answers that depend on the number alone never look at arguments, so the kernel can remember
 * them (its action cache) and skips the program for allowed calls altogether.
 *
 * What rules mean is as libseccomp and runc have it: a rule without conditions outweighs those with conditions; a rule
 * that only repeats the default is dropped; two conditions on one argument are alternatives; a call newer than all that
 * the profile knows is answered with ENOSYS, not with the default's errno, so that C libraries fall back to older calls.
 */
import { ClassicAssembler, encodeProgram, maxInstructions, type Instruction, type Label } from '../../kernel/bpf/classic.ts';
import { seccompFlags } from '../../kernel/flags.ts';
import { architecture as machine, type Architecture } from '../../kernel/syscalls.ts';
import type { SeccompSpec } from '../spec.ts';
import { actionValue, ENOSYS, lets, SeccompError, seccompReturn } from './actions.ts';
import { compileCondition, condition, seccompData, type Condition } from './conditions.ts';
import { multiplexed } from './multiplexed.ts';
import { auditArch } from './seccomp-data.ts';
import { syscallNumbers, x32Bit, type SeccompArchitecture } from './syscall-numbers.ts';

/** A filter, ready to be loaded. */
export interface SeccompFilter {
  readonly program: readonly Instruction[];
  /** The program as the kernel reads it. */
  readonly bytes: Uint8Array;
  /** Flags of seccomp(2). */
  readonly flags: number;
}

interface Rule {
  readonly value: number;
  readonly conditions: readonly Condition[];
}

/** What a profile says of one call of one architecture: an answer, or rules with conditions. */
type Verdict = number | Rule[];

interface Profile {
  readonly defaultValue: number;
  readonly rules: readonly { readonly names: readonly string[]; readonly alternatives: readonly Rule[] }[];
}

/** What each machine can run: its own programs, and others where a profile lists them. */
const machines: Readonly<Record<Architecture, { readonly native: SeccompArchitecture; readonly also: readonly SeccompArchitecture[] }>> = {
  x64: { native: 'SCMP_ARCH_X86_64', also: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
  arm64: { native: 'SCMP_ARCH_AARCH64', also: ['SCMP_ARCH_ARM'] },
};
const audit = {
  SCMP_ARCH_X86_64: auditArch.x86_64,
  SCMP_ARCH_X86: auditArch.i386,
  SCMP_ARCH_AARCH64: auditArch.aarch64,
  SCMP_ARCH_ARM: auditArch.arm,
} as const;
/** Whether arguments have 64 bits; x32 shares the audit architecture of x86-64, but compares as a 32-bit one. */
const wide: Readonly<Record<SeccompArchitecture, boolean>> = {
  SCMP_ARCH_X86_64: true,
  SCMP_ARCH_AARCH64: true,
  SCMP_ARCH_X86: false,
  SCMP_ARCH_ARM: false,
  SCMP_ARCH_X32: false,
};
const lastNumber = 0xffffffff;

/**
 * Compiles a filter.
 * @param on the machine that it is for; this one by default
 * @throws SeccompError when the profile is not valid, or the program gets longer than the kernel takes
 */
export function compileSeccomp(spec: SeccompSpec, on: Architecture = machine): SeccompFilter {
  const profile = readProfile(spec);
  const architectures = listedArchitectures(spec, on);
  const assembler = new ClassicAssembler();
  // A call of an architecture that the profile does not list has no meaning in it: the thread ends, as with libseccomp.
  let next = assembler.ret(seccompReturn.KILL_THREAD);
  const badArchitecture = next;
  for (const architecture of architectures.toReversed()) {
    if (architecture === 'SCMP_ARCH_X32') continue; // told apart by number, below
    const ranges = numberRanges(assembler, profile, architecture);
    if (architecture === 'SCMP_ARCH_X86_64') {
      const x32 = architectures.includes('SCMP_ARCH_X32') ? numberRanges(assembler, profile, 'SCMP_ARCH_X32') : [{ from: 0, label: badArchitecture }];
      // The number -1 is no x32 call: it is how a tracer skips a call.
      ranges.push(...x32.map(({ from, label }) => ({ from: from + x32Bit, label })), { from: lastNumber, label: ranges.at(-1)!.label });
    }
    const search = assembler.load(seccompData.nr, searchTree(assembler, ranges));
    next = assembler.jump('JEQ', audit[architecture], search, next);
  }
  const program = assembler.program(assembler.load(seccompData.arch, next));
  if (program.length > maxInstructions) {
    throw new SeccompError(
      `the seccomp profile needs ${program.length} instructions, but the kernel takes ${maxInstructions}: use fewer conditions on arguments`,
    );
  }
  return { program, bytes: encodeProgram(program), flags: filterFlags(spec) };
}

/** Reads the profile's words once, whatever the number of architectures. */
function readProfile(spec: SeccompSpec): Profile {
  const defaultValue = actionValue(spec.defaultAction, spec.defaultErrnoRet);
  if (spec.defaultAction === 'SCMP_ACT_NOTIFY') throw new SeccompError('SCMP_ACT_NOTIFY cannot be the default action of a seccomp profile');
  const rules = (spec.syscalls ?? []).map((rule) => {
    if (rule.action === 'SCMP_ACT_NOTIFY' && rule.names.includes('write')) {
      throw new SeccompError('SCMP_ACT_NOTIFY cannot be used for write in a seccomp profile: the listener could never be handed over');
    }
    const value = actionValue(rule.action, rule.errnoRet);
    const conditions = (rule.args ?? []).map(condition);
    const repeated = new Set(conditions.map((c) => c.index)).size < conditions.length;
    const alternatives = repeated ? conditions.map((c) => ({ value, conditions: [c] })) : [{ value, conditions }];
    return { names: rule.names, alternatives };
  });
  return { defaultValue, rules };
}

/** The machine's own architecture, and the listed ones that it can run. */
function listedArchitectures(spec: SeccompSpec, on: Architecture): SeccompArchitecture[] {
  const listed = spec.architectures ?? [];
  const bad = listed.find((name) => !/^SCMP_ARCH_[A-Z0-9_]+$/.test(name));
  if (bad !== undefined) throw new SeccompError(`the seccomp profile lists an unknown architecture '${bad}': names are such as SCMP_ARCH_X86_64`);
  return [machines[on].native, ...machines[on].also.filter((name) => listed.includes(name))];
}

interface Range {
  /** The first number; the range ends where the next begins. */
  readonly from: number;
  readonly label: Label;
}

/** The answers of one architecture, by ranges of numbers from 0 up; neighbours differ. */
function numberRanges(assembler: ClassicAssembler, profile: Profile, architecture: SeccompArchitecture): Range[] {
  const verdicts = collectVerdicts(profile, architecture);
  const byDefault = assembler.ret(profile.defaultValue);
  const ranges: Range[] = [];
  const add = (from: number, label: Label): void => {
    if (ranges.at(-1)?.label !== label) ranges.push({ from, label });
  };
  let expected = 0;
  for (const [number, verdict] of [...verdicts].sort(([a], [b]) => a - b)) {
    if (number > expected) add(expected, byDefault);
    add(number, compileVerdict(assembler, verdict, profile.defaultValue, wide[architecture]));
    expected = number + 1;
  }
  add(expected, verdicts.size === 0 || lets(profile.defaultValue) ? byDefault : assembler.ret(seccompReturn.ERRNO + ENOSYS));
  return ranges;
}

function collectVerdicts(profile: Profile, architecture: SeccompArchitecture): Map<number, Verdict> {
  const numbers = syscallNumbers(architecture);
  const verdicts = new Map<number, Verdict>();
  const none: Rule[] = [];
  const add = (name: string, rule: Rule): void => {
    const number = numbers.get(name);
    if (number === undefined) return;
    const known = verdicts.get(number);
    if (typeof known === 'number') return;
    // What only repeats the default changes nothing, but the call is known to the profile.
    if (rule.value === profile.defaultValue) verdicts.set(number, known ?? none);
    else if (rule.conditions.length === 0) verdicts.set(number, rule.value);
    else verdicts.set(number, [...(known ?? none), rule]);
  };
  for (const { names, alternatives } of profile.rules) {
    for (const name of names) {
      for (const rule of alternatives) {
        add(name, rule);
        const by = architecture === 'SCMP_ARCH_X86' ? multiplexed(name) : undefined;
        // The multiplexer's own arguments are behind a pointer, out of a filter's sight: only unconditional rules carry over.
        if (by && rule.conditions.length === 0) add(by.name, { value: rule.value, conditions: [by.selects] });
      }
    }
  }
  return verdicts;
}

function compileVerdict(assembler: ClassicAssembler, verdict: Verdict, defaultValue: number, wideArguments: boolean): Label {
  if (typeof verdict === 'number') return assembler.ret(verdict);
  let otherwise = assembler.ret(defaultValue);
  for (const rule of verdict.toReversed()) {
    let label = assembler.ret(rule.value);
    for (const c of rule.conditions.toReversed()) label = compileCondition(assembler, c, wideArguments, label, otherwise);
    otherwise = label;
  }
  return otherwise;
}

function searchTree(assembler: ClassicAssembler, ranges: readonly Range[]): Label {
  if (ranges.length === 1) return ranges[0]!.label;
  const middle = ranges.length >> 1;
  const right = searchTree(assembler, ranges.slice(middle));
  const left = searchTree(assembler, ranges.slice(0, middle));
  return assembler.jump('JGE', ranges[middle]!.from, right, left);
}

const flagNames: Readonly<Record<string, number>> = {
  // A filter is loaded by a process with one thread: nothing to synchronize.
  SECCOMP_FILTER_FLAG_TSYNC: 0,
  SECCOMP_FILTER_FLAG_LOG: seccompFlags.SECCOMP_FILTER_FLAG_LOG,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: seccompFlags.SECCOMP_FILTER_FLAG_SPEC_ALLOW,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: seccompFlags.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
};

function filterFlags(spec: SeccompSpec): number {
  // Without flags, runc's default: filtering alone must not slow a container by disabling speculation (SSBD on kernels before 5.16).
  let flags = spec.flags ? 0 : seccompFlags.SECCOMP_FILTER_FLAG_SPEC_ALLOW;
  for (const name of spec.flags ?? []) {
    const flag = flagNames[name];
    if (flag === undefined) throw new SeccompError(`the seccomp profile has an unknown flag '${name}': use one of ${Object.keys(flagNames).join(', ')}`);
    flags |= flag;
  }
  const notifies = spec.syscalls?.some((rule) => rule.action === 'SCMP_ACT_NOTIFY') ?? false;
  if (notifies) return flags | seccompFlags.SECCOMP_FILTER_FLAG_NEW_LISTENER;
  // It says how a call waits for a supervisor; the kernel refuses it where none does.
  return flags & ~seccompFlags.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
}
