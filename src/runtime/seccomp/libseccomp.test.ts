/** The compiler against libseccomp, where that is installed: both must decide alike for every number and many arguments. */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import koffi from 'koffi';
import type { Instruction } from '../../kernel/bpf/classic.ts';
import { evaluate } from '../../kernel/bpf/classic-evaluate.ts';
import type { SeccompSpec } from '../spec.ts';
import { actionValue } from './actions.ts';
import { compileSeccomp } from './compile.ts';
import { defaultSeccomp } from './load.ts';
import { auditArch, makeSeccompData } from './seccomp-data.ts';
import { syscallNumbers, x32Bit, type SeccompArchitecture } from './syscall-numbers.ts';

const library = ((): ReturnType<typeof koffi.load> | undefined => {
  try {
    return koffi.load('libseccomp.so.2');
  } catch {
    return undefined;
  }
})();
const skip = process.arch !== 'x64' ? 'the comparison is made for x86-64' : !library && 'libseccomp.so.2 is not installed';
const tokens: Readonly<Partial<Record<SeccompArchitecture, number>>> = { SCMP_ARCH_X86: auditArch.i386, SCMP_ARCH_X32: x32Bit + 62 };
/** __NR_SCMP_ERROR; other negative numbers stand for calls of other architectures. */
const unknownName = -1;
const comparisons: Readonly<Record<string, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** libseccomp writes its KILL_THREAD, TRACE and other actions as the kernel's values, so rules can be given as they are. */
function byLibseccomp(spec: SeccompSpec): Instruction[] {
  const lib = library!;
  const comparison = koffi.struct({ arg: 'uint', op: 'int', a: 'uint64', b: 'uint64' });
  const init = lib.func('seccomp_init', 'void *', ['uint32']);
  const addArchitecture = lib.func('seccomp_arch_add', 'int', ['void *', 'uint32']);
  const resolve = lib.func('seccomp_syscall_resolve_name', 'int', ['str']);
  const addRule = lib.func('seccomp_rule_add_array', 'int', ['void *', 'uint32', 'int', 'uint', koffi.pointer(comparison)]);
  const exportBpf = lib.func('seccomp_export_bpf', 'int', ['void *', 'int']);
  const release = lib.func('seccomp_release', 'void', ['void *']);
  const directory = mkdtempSync(join(tmpdir(), 'hako-seccomp-'));
  const fallback = actionValue(spec.defaultAction, spec.defaultErrnoRet);
  const context = init(fallback);
  try {
    for (const name of spec.architectures ?? []) {
      const token = tokens[name as SeccompArchitecture];
      if (token) assert.equal(addArchitecture(context, token), 0);
    }
    for (const rule of spec.syscalls ?? []) {
      const action = actionValue(rule.action, rule.errnoRet);
      const args = (rule.args ?? []).map((a) => ({ arg: a.index, op: comparisons[a.op]!, a: BigInt(a.value), b: BigInt(a.valueTwo ?? 0) }));
      for (const name of rule.names) {
        const number = resolve(name) as number;
        // As runc does: what is said of one argument twice is said in rules of their own.
        const repeated = new Set(args.map(({ arg }) => arg)).size < args.length;
        for (const each of repeated ? args.map((one) => [one]) : [args])
          if (action !== fallback && number !== unknownName) addRule(context, action, number, each.length, each);
      }
    }
    const file = join(directory, 'filter');
    const fd = openSync(file, 'w');
    assert.equal(exportBpf(context, fd), 0);
    closeSync(fd);
    const bytes = readFileSync(file);
    return Array.from({ length: bytes.length / 8 }, (_, i) => ({
      code: bytes.readUInt16LE(i * 8),
      jt: bytes[i * 8 + 2]!,
      jf: bytes[i * 8 + 3]!,
      k: bytes.readUInt32LE(i * 8 + 4),
    }));
  } finally {
    release(context);
    rmSync(directory, { recursive: true });
  }
}

const probes = [
  0n,
  1n,
  2n,
  5n,
  8n,
  38n,
  39n,
  40n,
  0x20000n,
  0x20008n,
  0x10000000n,
  0x7e020000n,
  0x3d0f00n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1_0000_0005n,
  0x1_0000_0028n,
  (1n << 64n) - 1n,
];

function compare(spec: SeccompSpec, arch: SeccompArchitecture, audit: number, bit: number): void {
  const names = syscallNumbers(arch);
  const ours = compileSeccomp(spec, 'x64').program;
  const theirs = byLibseccomp(spec);
  const resolve = library!.func('seccomp_syscall_resolve_name_arch', 'int', ['uint32', 'str']);
  // Calls newer than the library cannot be compared: it drops the rules for them.
  const known = new Set([...names].filter(([name]) => (resolve(tokens[arch] ?? audit, name) as number) >= 0).map(([, number]) => number));
  const newest = Math.max(...spec.syscalls!.flatMap((rule) => rule.names.map((name) => names.get(name) ?? -1)));
  for (const number of known) {
    if (number > newest) continue; // ENOSYS is runc's addition to libseccomp
    for (const a of probes) {
      for (const b of [0n, 5n, 0x1_0000_0005n]) {
        const data = makeSeccompData(audit, number + bit, [a, b]);
        assert.equal(evaluate(ours, data).value, evaluate(theirs, data).value, `${arch} ${number} (${a}, ${b})`);
      }
    }
  }
}

test('the default profile decides as libseccomp has it', { skip }, () => {
  for (const capabilities of [[], ['CAP_SYS_ADMIN', 'CAP_SYS_PTRACE']]) {
    const spec = defaultSeccomp(capabilities);
    compare(spec, 'SCMP_ARCH_X86_64', auditArch.x86_64, 0);
    compare(spec, 'SCMP_ARCH_X32', auditArch.x86_64, x32Bit);
    compare(spec, 'SCMP_ARCH_X86', auditArch.i386, 0);
  }
});

test('without x32 in the profile, x32 calls are treated as libseccomp treats them', { skip }, () => {
  const spec: SeccompSpec = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' }] };
  const ours = compileSeccomp(spec, 'x64').program;
  const theirs = byLibseccomp(spec);
  for (const [arch, number] of [
    [auditArch.x86_64, x32Bit],
    [auditArch.x86_64, x32Bit + 1],
    [auditArch.i386, 3],
    [auditArch.arm, 3],
    [auditArch.x86_64, 0],
  ] as const) {
    const data = makeSeccompData(arch, number);
    assert.equal(evaluate(ours, data).value, evaluate(theirs, data).value, `${arch} ${number}`);
  }
});

test('rules with conditions in all operators decide alike', { skip }, () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;
  for (let round = 0; round < 60; round++) {
    // One rule with conditions a call: libseccomp reorders several, so their overlap has no defined meaning there.
    const syscalls = ['read', 'close', 'umask', 'personality', 'epoll_wait'].map((name) => ({
      names: [name],
      action: 'SCMP_ACT_ALLOW',
      args: Array.from({ length: 1 + random(2) }, (_, index) => ({ index, value: pick(probes), valueTwo: pick(probes), op: pick(Object.keys(comparisons)) })),
    }));
    compare({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 9, syscalls }, 'SCMP_ARCH_X86_64', auditArch.x86_64, 0);
  }
});

test('every action, as a rule and as the default, decides alike', { skip }, () => {
  const actions = ['KILL', 'KILL_THREAD', 'KILL_PROCESS', 'TRAP', 'ERRNO', 'TRACE', 'LOG', 'ALLOW'].map((name) => `SCMP_ACT_${name}`);
  for (const defaultAction of actions) {
    const syscalls = actions
      .filter((action) => actionValue(action) !== actionValue(defaultAction))
      .flatMap((action, i) => [
        { names: [['read', 'write', 'open', 'close', 'stat', 'lseek', 'mmap', 'poll'][i]!], action },
        // Two alternatives on one argument, and one more rule for the same call that cannot hold with them.
        { names: ['ioctl'], action, args: [0, 1].map((k) => ({ index: 1, value: 1000 * (i + 1) + k, op: 'SCMP_CMP_EQ' })) },
      ]);
    const spec = { defaultAction, syscalls };
    compare(spec, 'SCMP_ARCH_X86_64', auditArch.x86_64, 0);
    const [ours, theirs] = [compileSeccomp(spec, 'x64').program, byLibseccomp(spec)];
    for (const value of [999n, 1000n, 1001n, 2001n, 7000n, 7002n, 0x1_0000_03e8n]) {
      const data = makeSeccompData(auditArch.x86_64, syscallNumbers('SCMP_ARCH_X86_64').get('ioctl')!, [0n, value]);
      assert.equal(evaluate(ours, data).value, evaluate(theirs, data).value, `${defaultAction} ${value}`);
    }
  }
});
