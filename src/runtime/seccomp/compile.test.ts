import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate } from '../../kernel/bpf/classic-evaluate.ts';
import { seccompFlags } from '../../kernel/flags.ts';
import type { SeccompSpec } from '../spec.ts';
import { seccompReturn as ret } from './actions.ts';
import { compileSeccomp } from './compile.ts';
import { defaultSeccomp } from './load.ts';
import { auditArch, makeSeccompData } from './seccomp-data.ts';
import { syscallNumbers, x32Bit, type SeccompArchitecture } from './syscall-numbers.ts';

const EPERM = 1;
const ENOSYS = 38;
const x64 = syscallNumbers('SCMP_ARCH_X86_64');
const number = (name: string): number => x64.get(name)!;
/** What the filter of a profile decides for a call of x86-64. */
const decide = (spec: SeccompSpec, name: string | number, ...args: (number | bigint)[]): number =>
  evaluate(compileSeccomp(spec, 'x64').program, makeSeccompData(auditArch.x86_64, typeof name === 'number' ? name : number(name), args)).value;
const denyAll = (...syscalls: NonNullable<SeccompSpec['syscalls']>[number][]): SeccompSpec => ({ defaultAction: 'SCMP_ACT_ERRNO', syscalls });

test('every action becomes its return value', () => {
  const actions: [string, number | undefined, number][] = [
    ['SCMP_ACT_KILL', undefined, ret.KILL_THREAD],
    ['SCMP_ACT_KILL_THREAD', undefined, ret.KILL_THREAD],
    ['SCMP_ACT_KILL_PROCESS', undefined, ret.KILL_PROCESS],
    ['SCMP_ACT_TRAP', undefined, ret.TRAP],
    ['SCMP_ACT_ERRNO', undefined, ret.ERRNO + EPERM],
    ['SCMP_ACT_ERRNO', 13, ret.ERRNO + 13],
    ['SCMP_ACT_TRACE', 7, ret.TRACE + 7],
    ['SCMP_ACT_LOG', undefined, ret.LOG],
    ['SCMP_ACT_NOTIFY', undefined, ret.USER_NOTIF],
    ['SCMP_ACT_ALLOW', undefined, ret.ALLOW],
  ];
  for (const [action, errnoRet, value] of actions) {
    const spec: SeccompSpec = { defaultAction: 'SCMP_ACT_LOG', syscalls: [{ names: ['mkdir'], action, ...(errnoRet !== undefined && { errnoRet }) }] };
    assert.equal(decide(spec, 'mkdir'), value, action);
    assert.equal(decide(spec, 'rmdir'), ret.LOG);
  }
});

test('comparisons look at all 64 bits', () => {
  const big = 0x1_0000_0005n;
  const samples = [0n, 4n, 5n, 6n, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0004n, big, 0x1_0000_0006n, 0x2_0000_0000n, 0x2_0000_0005n, (1n << 64n) - 1n];
  const meaning: Record<string, (arg: bigint, value: bigint) => boolean> = {
    SCMP_CMP_EQ: (a, v) => a === v,
    SCMP_CMP_NE: (a, v) => a !== v,
    SCMP_CMP_GT: (a, v) => a > v,
    SCMP_CMP_GE: (a, v) => a >= v,
    SCMP_CMP_LT: (a, v) => a < v,
    SCMP_CMP_LE: (a, v) => a <= v,
  };
  for (const [op, holds] of Object.entries(meaning)) {
    for (const value of [5n, big]) {
      const spec = denyAll({ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 3, value, op }] });
      for (const arg of samples) assert.equal(decide(spec, 'read', 0, 0, 0, arg) === ret.ALLOW, holds(arg, value), `${arg} ${op} ${value}`);
    }
  }
});

test('MASKED_EQ compares what the mask leaves, in either half', () => {
  const spec = denyAll({
    names: ['read'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: 0, value: 0xf0_0000_000fn, valueTwo: 0x30_0000_0004n, op: 'SCMP_CMP_MASKED_EQ' }],
  });
  assert.equal(decide(spec, 'read', 0x30_0000_0004n), ret.ALLOW);
  assert.equal(decide(spec, 'read', 0xf3f_ffff_fff4n & ~0xc0_0000_0000n), ret.ALLOW);
  assert.equal(decide(spec, 'read', 0x30_0000_0005n), ret.ERRNO + EPERM);
  assert.equal(decide(spec, 'read', 0x70_0000_0004n), ret.ERRNO + EPERM);
});

test('conditions of one rule must all hold; on one argument they are alternatives; rules are alternatives', () => {
  const both = denyAll({
    names: ['read'],
    action: 'SCMP_ACT_ALLOW',
    args: [
      { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
      { index: 1, value: 2, op: 'SCMP_CMP_EQ' },
    ],
  });
  assert.deepEqual(
    [
      [1, 2],
      [1, 3],
      [0, 2],
    ].map((args) => decide(both, 'read', ...args) === ret.ALLOW),
    [true, false, false],
  );
  const either = denyAll({
    names: ['read'],
    action: 'SCMP_ACT_ALLOW',
    args: [
      { index: 0, value: 1, op: 'SCMP_CMP_EQ' },
      { index: 0, value: 2, op: 'SCMP_CMP_EQ' },
    ],
  });
  assert.deepEqual(
    [1, 2, 3].map((arg) => decide(either, 'read', arg) === ret.ALLOW),
    [true, true, false],
  );
  const rule = (value: number, action: string) => ({ names: ['read'], action, args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] });
  const rules = denyAll(rule(1, 'SCMP_ACT_ALLOW'), rule(2, 'SCMP_ACT_LOG'));
  assert.deepEqual(
    [1, 2, 3].map((arg) => decide(rules, 'read', arg)),
    [ret.ALLOW, ret.LOG, ret.ERRNO + EPERM],
  );
});

test('a rule without conditions outweighs those with, in either order', () => {
  const always = { names: ['read'], action: 'SCMP_ACT_ALLOW' };
  const sometimes = { names: ['read'], action: 'SCMP_ACT_KILL_PROCESS', args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ' }] };
  for (const spec of [denyAll(always, sometimes), denyAll(sometimes, always)]) assert.equal(decide(spec, 'read', 1), ret.ALLOW);
});

test('a call newer than all the profile names is ENOSYS, unless the default lets calls through', () => {
  const spec = denyAll({ names: ['read', 'mkdir'], action: 'SCMP_ACT_ALLOW' });
  assert.equal(decide(spec, number('mkdir') - 1), ret.ERRNO + EPERM);
  assert.equal(decide(spec, number('mkdir') + 1), ret.ERRNO + ENOSYS);
  assert.equal(decide(spec, 0x3fffffff), ret.ERRNO + ENOSYS);
  assert.equal(decide({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action: 'SCMP_ACT_ERRNO' }] }, 9999), ret.ALLOW);
});

test('architectures: the listed ones have their own numbers, the others end the thread', () => {
  const spec = denyAll({ names: ['mkdir'], action: 'SCMP_ACT_ALLOW' });
  const on = (architectures: string[], machine: 'x64' | 'arm64', arch: number, nr: number): number =>
    evaluate(compileSeccomp({ ...spec, architectures }, machine).program, makeSeccompData(arch, nr)).value;
  const all = ['SCMP_ARCH_X86', 'SCMP_ARCH_X32', 'SCMP_ARCH_ARM', 'SCMP_ARCH_MIPS'];
  assert.equal(on(all, 'x64', auditArch.i386, 39), ret.ALLOW);
  assert.equal(on(all, 'x64', auditArch.i386, 83), ret.ERRNO + ENOSYS);
  assert.equal(on([], 'x64', auditArch.i386, 39), ret.KILL_THREAD);
  assert.equal(on(all, 'x64', auditArch.x86_64, x32Bit + 83), ret.ALLOW);
  assert.equal(on([], 'x64', auditArch.x86_64, x32Bit + 83), ret.KILL_THREAD);
  assert.equal(on([], 'x64', auditArch.x86_64, 0xffffffff), ret.ERRNO + ENOSYS);
  assert.equal(on(all, 'arm64', auditArch.arm, 39), ret.ALLOW);
  assert.equal(on(all, 'arm64', auditArch.aarch64, 34), ret.ERRNO + EPERM);
  assert.equal(on(all, 'arm64', auditArch.x86_64, 83), ret.KILL_THREAD);
});

test('on i386 a rule for a socket or IPC call holds for the multiplexed form too', () => {
  const spec: SeccompSpec = {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86'],
    syscalls: [{ names: ['bind', 'shmat'], action: 'SCMP_ACT_ERRNO' }],
  };
  const i386 = (name: string, ...args: number[]): number =>
    evaluate(compileSeccomp(spec, 'x64').program, makeSeccompData(auditArch.i386, syscallNumbers('SCMP_ARCH_X86').get(name)!, args)).value;
  assert.equal(i386('bind'), ret.ERRNO + EPERM);
  assert.equal(i386('socketcall', 2), ret.ERRNO + EPERM);
  assert.equal(i386('socketcall', 3), ret.ALLOW);
  assert.equal(i386('ipc', 21), ret.ERRNO + EPERM);
  assert.equal(i386('ipc', 0x10015), ret.ERRNO + EPERM);
  assert.equal(i386('ipc', 22), ret.ALLOW);
});

test('names that no architecture has, and architectures of other machines, change nothing', () => {
  const bytes = (names: string[], architectures: string[] = []): Uint8Array =>
    compileSeccomp({ ...denyAll({ names, action: 'SCMP_ACT_ALLOW' }), architectures }, 'x64').bytes;
  assert.deepEqual(bytes(['read', 'no_such_call', 's390_runtime_instr']), bytes(['read']));
  assert.deepEqual(bytes(['read'], ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM', 'SCMP_ARCH_S390X', 'SCMP_ARCH_LOONGARCH64']), bytes(['read']));
  assert.deepEqual(bytes(['read'], ['SCMP_ARCH_X86_64']), bytes(['read']), 'its own is always there');
});

test('the flags are those of the profile; how a call waits for a supervisor is asked for only where there is one', () => {
  const flagsOf = (flags: string[] | undefined, action: string): number =>
    compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir'], action }], ...(flags ? { flags } : {}) }).flags;
  const { SECCOMP_FILTER_FLAG_LOG: log, SECCOMP_FILTER_FLAG_SPEC_ALLOW: allow, SECCOMP_FILTER_FLAG_NEW_LISTENER: listener } = seccompFlags;
  const killable = seccompFlags.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  assert.equal(flagsOf(undefined, 'SCMP_ACT_ERRNO'), allow);
  assert.equal(flagsOf([], 'SCMP_ACT_ERRNO'), 0);
  const all = ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_LOG', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW', 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV'];
  assert.equal(flagsOf(all, 'SCMP_ACT_ERRNO'), log | allow);
  assert.equal(flagsOf(all, 'SCMP_ACT_NOTIFY'), log | allow | killable | listener);
});

test('mistakes in a profile are told in one sentence', () => {
  const args = (arg: object): SeccompSpec => denyAll({ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 1, op: 'SCMP_CMP_EQ', ...arg }] });
  assert.throws(() => compileSeccomp({ defaultAction: 'ALLOW' }), /unknown action 'ALLOW'/);
  assert.throws(() => compileSeccomp({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 5000 }), /errnoRet 5000/);
  assert.throws(() => compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', defaultErrnoRet: 1 }), /returns none/);
  assert.throws(() => compileSeccomp({ defaultAction: 'SCMP_ACT_NOTIFY' }), /default action/);
  assert.throws(() => compileSeccomp(denyAll({ names: ['write'], action: 'SCMP_ACT_NOTIFY' })), /listener/);
  assert.throws(() => compileSeccomp(args({ index: 6 })), /argument 6/);
  assert.throws(() => compileSeccomp(args({ op: 'EQ' })), /unknown operator 'EQ'/);
  assert.throws(() => compileSeccomp(args({ value: -1 })), /compares an argument with -1/);
  assert.throws(() => compileSeccomp(args({ value: 1n << 64n })), /18446744073709551616/);
  assert.throws(() => compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', architectures: ['x86'] }), /unknown architecture 'x86'/);
  assert.throws(() => compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', flags: ['FAST'] }), /unknown flag 'FAST'/);
});

test('a profile that needs more than 4096 instructions is refused', () => {
  const many = Array.from({ length: 1500 }, (_, value) => ({
    names: ['read'],
    action: 'SCMP_ACT_ALLOW',
    args: [{ index: value % 6, value: value * 2 ** 20, op: 'SCMP_CMP_EQ' }],
  }));
  assert.throws(() => compileSeccomp(denyAll(...many)), /the kernel takes 4096/);
});

test('the default profile: every number of every architecture is decided as its rules say', () => {
  const probes: bigint[][] = [[0n], [8n], [40n], [38n], [0x100000028n], [0xffffffffn], [0x10000000n], [0x3d0f00n], [0x20008n]];
  const targets: ['x64' | 'arm64', SeccompArchitecture, number, number][] = [
    ['x64', 'SCMP_ARCH_X86_64', auditArch.x86_64, 0],
    ['x64', 'SCMP_ARCH_X86', auditArch.i386, 0],
    ['x64', 'SCMP_ARCH_X32', auditArch.x86_64, x32Bit],
    ['arm64', 'SCMP_ARCH_AARCH64', auditArch.aarch64, 0],
    ['arm64', 'SCMP_ARCH_ARM', auditArch.arm, 0],
  ];
  for (const capabilities of [[], ['CAP_SYS_ADMIN'], ['CAP_SYS_PTRACE', 'CAP_SYS_CHROOT', 'CAP_BPF']]) {
    const spec = { ...defaultSeccomp(capabilities), architectures: targets.map(([, name]) => name) };
    for (const [machine, name, arch, bit] of targets) {
      const { program } = compileSeccomp(spec, machine);
      const numbers = syscallNumbers(name);
      const names = new Map([...numbers].map(([n, nr]) => [nr, n]));
      const newest = Math.max(...spec.syscalls!.flatMap((rule) => rule.names.map((n) => numbers.get(n) ?? -1)));
      for (let nr = 0; nr < 1100; nr++) {
        for (const args of probes) {
          const got = evaluate(program, makeSeccompData(arch, nr + bit, args)).value;
          const wanted =
            nr > newest
              ? ret.ERRNO + ENOSYS
              : expected(spec, names.get(nr), name === 'SCMP_ARCH_X86_64' || name === 'SCMP_ARCH_AARCH64' ? args[0]! : args[0]! & 0xffffffffn);
          assert.equal(got, wanted, `${name} ${nr} ${names.get(nr)} ${args} with ${capabilities}`);
        }
      }
    }
  }
});

/** The profile's own words, read without any of the compiler: its rules look at argument 0 only. */
function expected(spec: SeccompSpec, name: string | undefined, arg: bigint): number {
  const rules = spec.syscalls!.filter((rule) => name !== undefined && rule.names.includes(name));
  const value = (rule: (typeof rules)[number]): number => (rule.action === 'SCMP_ACT_ALLOW' ? ret.ALLOW : ret.ERRNO + rule.errnoRet!);
  const always = rules.find((rule) => !rule.args);
  if (always) return value(always);
  const match = rules.find((rule) =>
    rule.args!.every((a) => (a.op === 'SCMP_CMP_EQ' ? arg === BigInt(a.value) : (arg & BigInt(a.value)) === BigInt(a.valueTwo!))),
  );
  return match ? value(match) : ret.ERRNO + EPERM;
}

test('the default profile answers common calls within sixteen instructions', () => {
  const { program } = compileSeccomp(defaultSeccomp([]), 'x64');
  for (const name of ['read', 'write', 'futex', 'epoll_wait', 'openat', 'mmap']) {
    const { value, steps } = evaluate(program, makeSeccompData(auditArch.x86_64, number(name)));
    assert.equal(value, ret.ALLOW);
    assert.ok(steps <= 16, `${name} takes ${steps}`);
  }
});
