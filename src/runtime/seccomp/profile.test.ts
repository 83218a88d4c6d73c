import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultProfile } from './default-profile.ts';
import { defaultSeccomp, seccompFilter, seccompSteps } from './load.ts';
import { parseProfile, resolveProfile, type SeccompProfile } from './profile.ts';

const rules = (profile: SeccompProfile, capabilities: string[] = [], kernel = '6.1.0-13-amd64'): string[] =>
  resolveProfile(profile, { capabilities, architecture: 'x64', kernel }).syscalls!.flatMap((rule) => rule.names);
const only = (when: object): SeccompProfile => ({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['mount'], action: 'SCMP_ACT_ALLOW', ...when }] });

test('includes and excludes decide by capability, architecture and kernel', () => {
  const counts = (when: object, capabilities: string[] = [], kernel?: string): boolean => rules(only(when), capabilities, kernel).includes('mount');
  assert.equal(counts({ includes: { caps: ['CAP_A', 'CAP_B'] } }, ['CAP_A']), false);
  assert.equal(counts({ includes: { caps: ['CAP_A', 'CAP_B'] } }, ['CAP_A', 'CAP_B']), true);
  assert.equal(counts({ excludes: { caps: ['CAP_A', 'CAP_B'] } }, ['CAP_A']), false);
  assert.equal(counts({ excludes: { caps: ['CAP_A'] } }), true);
  assert.equal(counts({ includes: { arches: ['arm64'] } }), false);
  assert.equal(counts({ includes: { arches: ['amd64', 'x32'] } }), true);
  assert.equal(counts({ excludes: { arches: ['amd64'] } }), false);
  assert.equal(counts({ includes: { minKernel: '4.8' } }, [], '4.7.99'), false);
  assert.equal(counts({ includes: { minKernel: '4.8' } }, [], '4.8.0'), true);
  assert.equal(counts({ includes: { minKernel: '4.8' } }, [], '4.10.0'), true);
  assert.equal(counts({ includes: { minKernel: '6.2' } }, [], '6.1.0-13-amd64'), false);
  assert.equal(counts({ excludes: { minKernel: '4.8' } }, [], '5.0'), false);
});

test('the default profile opens calls with the capability that they need', () => {
  assert.ok(!rules(defaultProfile()).includes('mount'));
  assert.ok(rules(defaultProfile(), ['CAP_SYS_ADMIN']).includes('mount'));
  assert.ok(!rules(defaultProfile(), ['CAP_SYS_ADMIN']).includes('init_module'));
  assert.ok(rules(defaultProfile(), ['CAP_SYS_MODULE']).includes('init_module'));
  assert.ok(rules(defaultProfile()).includes('ptrace'));
  assert.ok(!rules(defaultProfile(), [], '4.4.0').includes('ptrace'));
  for (const never of ['keyctl', 'add_key', 'userfaultfd', 'io_uring_setup', 'kexec_load', 'swapon', 'pivot_root']) {
    assert.ok(!rules(defaultProfile(), ['CAP_SYS_ADMIN', 'CAP_SYS_BOOT']).includes(never), never);
  }
});

test('the default filter is made once for each set of capabilities that matter', () => {
  assert.equal(defaultSeccomp(['CAP_CHOWN', 'CAP_SYS_CHROOT']), defaultSeccomp(['CAP_SYS_CHROOT', 'CAP_KILL']));
  assert.notEqual(defaultSeccomp(['CAP_SYS_ADMIN']), defaultSeccomp([]));
  const spec = defaultSeccomp([]);
  assert.equal(seccompFilter(spec), seccompFilter(spec));
  assert.equal(seccompSteps(spec)[0]?.calls[0]?.name, 'seccomp');
});

test('a file in Docker’s form becomes a profile', () => {
  const profile = parseProfile(
    `{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":13,"archMap":[{"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]},
      {"architecture":"SCMP_ARCH_RISCV64","subArchitectures":null}],
      "syscalls":[{"name":"read","action":"SCMP_ACT_ALLOW","args":null,"comment":"","includes":{},"excludes":{}},
      {"names":["personality"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":18446744073709551615,"valueTwo":0,"op":"SCMP_CMP_EQ"}]}]}`,
    'p.json',
  )!;
  const spec = resolveProfile(profile, { capabilities: [], architecture: 'x64' });
  assert.deepEqual(spec.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
  assert.equal(spec.defaultErrnoRet, 13);
  assert.deepEqual(spec.syscalls?.[0], { names: ['read'], action: 'SCMP_ACT_ALLOW' });
  assert.equal(spec.syscalls?.[1]?.args?.[0]?.value, 18446744073709551615n);
});

test('an empty profile is no filter', () => {
  assert.equal(parseProfile('{}', 'p.json'), undefined);
  assert.equal(parseProfile('{"syscalls":[]}', 'p.json'), undefined);
});

test('a file that is not valid is told by name and place', () => {
  const refused: [string, RegExp][] = [
    ['{', /p\.json is not JSON/],
    ['[]', /the profile is not an object/],
    ['{"defaultAction":1}', /defaultAction is not a string/],
    ['{"syscalls":[{"names":["a"],"action":"SCMP_ACT_ALLOW"}]}', /defaultAction is missing/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":{}}', /syscalls is not a list/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[1],"action":"x"}]}', /syscalls\[0\]\.names\[0\] is not a string/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"a","names":["b"],"action":"x"}]}', /both name and names/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["b"]}]}', /syscalls\[0\]\.action is not a string/],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["b"],"action":"x","args":[{"index":0,"value":1.5,"op":"x"}]}]}',
      /args\[0\]\.value is not a whole number/,
    ],
    ['{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["b"],"action":"x","includes":{"minKernel":"4"}}]}', /'4' is no kernel version/],
    ['{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86"],"archMap":[{"architecture":"SCMP_ARCH_X86_64"}]}', /archMap is given together/],
    [
      '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mount"],"action":"SCMP_ACT_NOTIFY"}]}',
      /syscalls\[0\]\.action is SCMP_ACT_NOTIFY, but a container of the engine has no supervisor/,
    ],
  ];
  for (const [text, message] of refused) assert.throws(() => parseProfile(text, 'p.json'), message);
});
