/** Filters on the real kernel: a child (perl, which can make any system call) loads one and reports what its calls return. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import type { SeccompSpec } from '../spec.ts';
import { compileSeccomp } from './compile.ts';
import { defaultSeccomp } from './load.ts';
import { syscallNumbers } from './syscall-numbers.ts';

const perl = '/usr/bin/perl';
const skip =
  process.arch !== 'x64' ? 'the calls tried are those of x86-64' : !existsSync(perl) && `${perl} is missing: no other program here makes any system call`;
const numbers = syscallNumbers('SCMP_ARCH_X86_64');

const script = `
  my ($flags, @calls) = @ARGV;
  my $filter = do { local $/; <STDIN> };
  syscall(157, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
  my $fprog = pack('S x6 P', length($filter) / 8, $filter);
  syscall(317, 1, $flags + 0, $fprog) == 0 or die "seccomp: $!";
  $| = 1;
  for (@calls) {
    my ($nr, @args) = map { $_ + 0 } split /,/;
    my $r = syscall($nr, @args, (0) x (5 - @args));
    print $r == -1 ? -$! - 0 : 0, "\\n";
  }`;

/** The negative errno of each call under the filter, 0 where it succeeded; a call is its name or number and its arguments. */
function under(spec: SeccompSpec, ...calls: [string | number, ...(number | bigint)[]][]): number[] {
  const { bytes, flags } = compileSeccomp(spec);
  const words = calls.map(([call, ...args]) => [typeof call === 'string' ? numbers.get(call) : call, ...args].join());
  const out = execFileSync(perl, ['-e', script, String(flags), ...words], { encoding: 'utf8', input: bytes });
  return out.trim().split('\n').map(Number);
}

test('the default filter refuses and allows on the real kernel', { skip }, () => {
  const EPERM = -1;
  const ENOSYS = -38;
  const results = under(
    defaultSeccomp(['CAP_CHOWN', 'CAP_KILL']),
    ['getpid'],
    ['umask', 0o22],
    ['mount'],
    ['unshare', 0x10000000],
    ['clone3'],
    ['keyctl'],
    ['chroot'],
    ['socket', 1, 1, 0],
    ['socket', 40, 1, 0],
    ['socket', 0x100000028n, 1, 0],
    ['personality', 0xffffffff],
    ['personality', 0x40000],
    [470],
  );
  assert.deepEqual(results, [0, 0, EPERM, EPERM, ENOSYS, EPERM, EPERM, 0, EPERM, EPERM, 0, EPERM, ENOSYS]);
});

test('a capability opens its calls', { skip }, () => {
  const EFAULT = -14;
  assert.deepEqual(under(defaultSeccomp(['CAP_SYS_CHROOT']), ['chroot', 1]), [EFAULT]);
});

test('a custom filter makes one call fail with its errno, by argument', { skip }, () => {
  const spec: SeccompSpec = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [
      { names: ['setpriority'], action: 'SCMP_ACT_ERRNO', errnoRet: 4000 },
      { names: ['umask'], action: 'SCMP_ACT_ERRNO', errnoRet: 13, args: [{ index: 0, value: 0x1_0000_0001n, op: 'SCMP_CMP_GE' }] },
    ],
  };
  assert.deepEqual(
    under(spec, ['setpriority'], ['umask', 1], ['umask', 0x1_0000_0000n], ['umask', 0x1_0000_0001n], ['umask', 0x2_0000_0000n]),
    [-4000, 0, 0, -13, -13],
  );
});

test('killing the process ends it with SIGSYS', { skip }, () => {
  const { bytes, flags } = compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['umask'], action: 'SCMP_ACT_KILL_PROCESS' }] });
  const child = spawnSync(perl, ['-e', script, String(flags), `${numbers.get('umask')},0`], { input: bytes });
  assert.equal(child.signal, 'SIGSYS');
});

test('a filter of thousands of instructions, with relayed jumps, is accepted', { skip }, () => {
  const syscalls = Array.from({ length: 700 }, (_, i) => ({
    names: ['umask'],
    action: 'SCMP_ACT_ERRNO',
    errnoRet: 1000 + i,
    args: [{ index: 1, value: i + 1, op: 'SCMP_CMP_EQ' }],
  }));
  assert.ok(compileSeccomp({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }).program.length > 2000);
  assert.deepEqual(under({ defaultAction: 'SCMP_ACT_ALLOW', syscalls }, ['umask', 0, 0], ['umask', 0, 1], ['umask', 0, 700]), [0, -1000, -1699]);
});
