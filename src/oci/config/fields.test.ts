/** Each property of config.json by itself: what may be in it, what may not, and what is said of that. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { changed, fullConfig, valueAt, type Json, type JsonPath } from '../../../test/support/full-config.ts';
import { validateConfig } from './read.ts';

interface Case {
  /** As in `linux.devices.0.type`; `/` is before a key that has dots. */
  readonly at: string;
  readonly good: readonly Json[];
  readonly bad: readonly Json[];
  /** What is said of the bad ones, after the path. */
  readonly says: RegExp;
}

const big = 2 ** 53;
const cases: readonly Case[] = [
  {
    at: 'ociVersion',
    good: ['1.0.0', '1.0.2-dev', '1.0.0-rc5', '1.1.0', '1.1.0+dev', '1.2.0', '1.2.1-rc.1', '1.3.0'],
    bad: ['0.9.0', '2.0.0', '1.4.0', '1', '1.2', 'v1.2.0', '1.2.0 ', '1.2.x', '01.2.0.0', '1.2.0-'],
    says: /must be a version/,
  },
  {
    at: 'hostname',
    good: ['box', 'a'.repeat(64), 'ホスト', ''],
    bad: ['a'.repeat(65), 'ホ'.repeat(22), 'a\nb', '\x7f'],
    says: /must be (at most 64|a name)/,
  },
  { at: 'domainname', good: ['example.org', '(none)', ''], bad: ['a'.repeat(65), 'a\tb'], says: /must be (at most 64|a name)/ },
  { at: 'root.path', good: ['rootfs', '/absolute', '../other'], bad: [''], says: /must not be empty/ },
  { at: 'root.readonly', good: [true, false, null], bad: ['true', 0], says: /must be true or false/ },
  { at: 'process.cwd', good: ['/', '/tmp', '/no/such', '/a b\n'], bad: ['', 'tmp', './', '~'], says: /must (be an absolute path|not be empty)/ },
  { at: 'process.args', good: [['a'], ['a', '']], bad: [[]], says: /must not be empty/ },
  { at: 'process.args.0', good: ['sh', '-'], bad: [''], says: /must not be empty: executable file not found in \$PATH/ },
  { at: 'process.env', good: [[], ['A=b'], ['A='], ['A=b=c'], ['A=\n'], ['a b=1']], bad: ['A=b'], says: /must be an array/ },
  { at: 'process.env.0', good: ['PATH=', 'X=y'], bad: ['PATH', '=x', ''], says: /must (have the form NAME=VALUE|not be empty)/ },
  { at: 'process.user.uid', good: [0, 1, 65535], bad: [-1, 2 ** 32 - 1, 2 ** 32, 1.5, '0', 65536], says: /must be an integer|is not in linux\.uidMappings/ },
  { at: 'process.user.gid', good: [0, 65535], bad: [-1, 2 ** 32 - 1, 65536], says: /must be an integer|is not in linux\.gidMappings/ },
  { at: 'process.user.umask', good: [0, 0o22, 0o777], bad: [-1, 0o1000, '022'], says: /must be an integer/ },
  { at: 'process.user.additionalGids.1', good: [0, 65535], bad: [-1, 2 ** 32 - 1, 70000], says: /must be an integer|is not in linux\.gidMappings/ },
  { at: 'process.consoleSize.height', good: [0, 1, 65535], bad: [-1, 65536], says: /must be an integer from 0 to 65535/ },
  { at: 'process.consoleSize.width', good: [80], bad: [-1, 65536], says: /must be an integer from 0 to 65535/ },
  { at: 'process.terminal', good: [true, false], bad: [1, 'yes'], says: /must be true or false/ },
  { at: 'process.noNewPrivileges', good: [true, false], bad: [1], says: /must be true or false/ },
  { at: 'process.oomScoreAdj', good: [-1000, 0, 1000], bad: [-1001, 1001, 0.5], says: /must be an integer/ },
  {
    at: 'process.rlimits.0.type',
    good: ['RLIMIT_NPROC', 'RLIMIT_CORE', 'RLIMIT_RTTIME', 'RLIMIT_MEMLOCK'],
    bad: ['nofile', 'RLIMIT_nofile', 'RLIMIT_ALL', ''],
    says: /must be one of RLIMIT_CPU/,
  },
  { at: 'process.rlimits.0.soft', good: [0, 1024], bad: [-1, -2, 1025, 1.5, big * 4096, '1'], says: /must (be an integer|not be above the hard limit)/ },
  { at: 'process.rlimits.0.hard', good: [-1, 512, big], bad: [-2, -(2 ** 63), 2 ** 64], says: /must be an integer/ },
  { at: 'process.apparmorProfile', good: ['', 'unconfined', 'docker-default', 'a//b'], bad: ['a\nexec b', 'a\tb'], says: /must be one line/ },
  { at: 'process.selinuxLabel', good: ['', 'a:b:c:s0'], bad: ['a\n'], says: /must be one line/ },
  { at: 'process.scheduler.policy', good: ['SCHED_RR'], bad: ['SCHED_ISO', 'fifo', ''], says: /must be one of SCHED_OTHER/ },
  { at: 'process.scheduler.nice', good: [-20, 19], bad: [-21, 20], says: /must be an integer from -20 to 19/ },
  { at: 'process.scheduler.priority', good: [1, 99], bad: [-1, 0, 100], says: /must be/ },
  { at: 'process.scheduler.flags', good: [[], ['SCHED_FLAG_KEEP_POLICY']], bad: ['SCHED_FLAG_RECLAIM'], says: /must be an array/ },
  { at: 'process.scheduler.flags.0', good: ['SCHED_FLAG_RECLAIM'], bad: ['RECLAIM', ''], says: /must be one of/ },
  { at: 'process.scheduler.runtime', good: [0], bad: [1, -1], says: /can be given with SCHED_DEADLINE only|must be an integer/ },
  { at: 'process.ioPriority.class', good: ['IOPRIO_CLASS_RT', 'IOPRIO_CLASS_BE'], bad: ['IOPRIO_CLASS_NONE', 'rt', ''], says: /must be one of/ },
  { at: 'process.ioPriority.priority', good: [0, 7], bad: [-1, 8], says: /must be an integer from 0 to 7/ },
  { at: 'process.execCPUAffinity.initial', good: ['', '0', '0-3,7', '0-31:2/4'], bad: ['a', '0-', ',', '0,,1', '-1', '0 1'], says: /must be a list/ },
  { at: 'process.execCPUAffinity.final', good: ['', '1'], bad: ['0;1'], says: /must be a list/ },
  { at: 'mounts.0.destination', good: ['/', '/a/b', 'relative', '/with space\n'], bad: [''], says: /must not be empty/ },
  { at: 'mounts.0.type', good: ['proc', 'ext4', 'fuse.sshfs'], bad: ['a\nb'], says: /must be the name of a file system/ },
  { at: 'mounts.2.source', good: ['/abs', 'relative'], bad: [''], says: /is missing: a bind mount needs one/ },
  { at: 'mounts.2.type', good: ['', 'none', 'bind', 'anything'], bad: ['a\0'], says: /must not contain a NUL/ },
  { at: 'mounts.0.options.0', good: ['ro', 'size=1%', 'lowerdir=/a:/b,c', ''], bad: ['a\0b'], says: /must not/ },
  { at: 'mounts.2.uidMappings.0.size', good: [1, 2 ** 31], bad: [0, -1, 2 ** 32], says: /must be an integer from 1/ },
  { at: 'mounts.2.gidMappings.0.hostID', good: [0], bad: [-1, 2 ** 32 - 1], says: /must be an integer/ },
  ...['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].flatMap((moment): Case[] => [
    { at: `hooks.${moment}`, good: [[], [{ path: '/bin/true' }], null], bad: [{}, 'x'], says: /must be an array/ },
    { at: `hooks.${moment}.0.path`, good: ['/a', '/no/such thing'], bad: ['', 'true', './x'], says: /must (be an absolute path|not be empty)/ },
    { at: `hooks.${moment}.0.timeout`, good: [1, 2 ** 31 - 1, null], bad: [0, -1, 1.5, 2 ** 31, '5'], says: /must be an integer number of seconds/ },
    { at: `hooks.${moment}.0.args`, good: [[], [''], ['a', 'b']], bad: ['a'], says: /must be an array/ },
    { at: `hooks.${moment}.0.env`, good: [[], ['A=1'], ['A']], bad: ['A=1'], says: /must be an array/ },
  ]),
  { at: 'annotations', good: [{}, { a: '' }, { 'a b': 'c\nd' }], bad: [[]], says: /must be an object/ },
  { at: 'annotations', good: [], bad: [{ '': 'x' }], says: /must not be empty/ },
  { at: 'linux.namespaces.0.type', good: [], bad: ['net', 'mnt', 'PID', '', 'mount'], says: /must be one of|is there twice: mount/ },
  { at: 'linux.namespaces.0.path', good: ['/proc/1/ns/pid', ''], bad: ['proc/1/ns/pid', '.'], says: /must be an absolute path/ },
  { at: 'linux.uidMappings.0.size', good: [65536, 2], bad: [0, 2 ** 32 - 1], says: /must be an integer|reaches beyond the last id/ },
  { at: 'linux.timeOffsets.monotonic.secs', good: [0, -1, 2 ** 40], bad: [1.5, '1', 2 ** 64], says: /must be an integer number of seconds/ },
  { at: 'linux.timeOffsets.boottime.nanosecs', good: [0, 999_999_999], bad: [-1, 1e9], says: /must be an integer number of nanoseconds from 0 to 999999999/ },
  { at: 'linux.devices.0.type', good: ['c', 'u'], bad: ['a', 'x', 'cc', ''], says: /must be one of c, b, u, p/ },
  { at: 'linux.devices.0.path', good: ['/dev/x', '/elsewhere/y'], bad: ['', 'dev/x', '/dev/'], says: /must/ },
  { at: 'linux.devices.0.major', good: [0, 4095], bad: [-1, 4096], says: /must be an integer from 0 to 4095/ },
  { at: 'linux.devices.0.minor', good: [0, 2 ** 20 - 1], bad: [-1, 2 ** 20], says: /must be an integer/ },
  { at: 'linux.devices.0.fileMode', good: [0, 0o7777], bad: [-1, 0o200000, 0o060660], says: /must be an integer|says another type of file/ },
  { at: 'linux.devices.0.uid', good: [0, 2 ** 32 - 2], bad: [-1, 2 ** 32 - 1], says: /must be an integer/ },
  { at: 'linux.devices.0.gid', good: [0], bad: [-1], says: /must be an integer/ },
  {
    at: 'linux.cgroupsPath',
    good: ['', '/a/b', 'a/b', 'system.slice:hako:1', '/a..b', '/a/../b'],
    bad: ['a\nb', '/a\t'],
    says: /must be one line/,
  },
  { at: 'linux.rootfsPropagation', good: ['', 'private', 'rslave', 'shared', 'runbindable'], bad: ['slave ', 'none'], says: /must be one of private/ },
  { at: 'linux.maskedPaths.0', good: ['/proc/acpi'], bad: ['', 'proc'], says: /must/ },
  { at: 'linux.readonlyPaths.0', good: ['/proc/bus'], bad: ['', 'proc'], says: /must/ },
  { at: 'linux.mountLabel', good: ['', 'a:b:c:s0:c1,c2'], bad: ['a"b', 'a\nb'], says: /must be a SELinux context/ },
  { at: 'linux.personality.domain', good: ['LINUX', 'LINUX32'], bad: ['linux', '', 'BSD'], says: /must be one of LINUX, LINUX32/ },
  { at: 'linux.intelRdt.closID', good: ['', 'a'], bad: ['.', '..', 'a/b', 'a\n'], says: /must be the name of a directory/ },
  { at: 'linux.sysctl./net.core.somaxconn', good: ['1', '', 'a b\tc'], bad: ['1\n2', '1\r'], says: /must be one line/ },
  { at: 'linux.resources.devices.0.type', good: ['a', 'b', 'c', ''], bad: ['p', 'u', 'A'], says: /must be one of a, c, b/ },
  { at: 'linux.resources.devices.0.access', good: ['r', 'rwm', 'mw', ''], bad: ['x', 'rr', 'rwmr', 'r w'], says: /must be made of r, w and m/ },
  { at: 'linux.resources.devices.1.major', good: [-1, 0, 4095, null], bad: [-2, 4096], says: /must be an integer/ },
  { at: 'linux.resources.devices.1.minor', good: [-1, 0, null], bad: [-2, 2 ** 20], says: /must be an integer/ },
  ...['limit', 'reservation', 'swap', 'kernel', 'kernelTCP'].map((name): Case => ({
    at: `linux.resources.memory.${name}`,
    good: [-1, 536870912],
    bad: ['64m', 1.5, -2, 2 ** 63, true],
    says: /must be an integer number of bytes/,
  })),
  { at: 'linux.resources.memory.swap', good: [0, 2 ** 40], bad: [536870911], says: /must not be below memory's limit/ },
  { at: 'linux.resources.memory.swappiness', good: [0, 100], bad: [-1, 101], says: /must be an integer from 0 to 100/ },
  { at: 'linux.resources.cpu.shares', good: [0, 2, 262144], bad: [-1, 2 ** 64], says: /must be an integer/ },
  { at: 'linux.resources.cpu.quota', good: [-1, 0, 1000], bad: [-2, 0.5], says: /must be an integer number of microseconds/ },
  { at: 'linux.resources.cpu.period', good: [0, 100000], bad: [-1], says: /must be an integer number of microseconds/ },
  { at: 'linux.resources.cpu.burst', good: [0, 100000], bad: [-1], says: /must be an integer number of microseconds/ },
  { at: 'linux.resources.cpu.realtimeRuntime', good: [-1, 0, 950000], bad: [-2], says: /must be an integer/ },
  { at: 'linux.resources.cpu.cpus', good: ['', '0', '0-1,3', '0\n'], bad: ['0-', 'all'], says: /must be a list/ },
  { at: 'linux.resources.cpu.mems', good: ['', '0'], bad: ['x'], says: /must be a list/ },
  { at: 'linux.resources.cpu.idle', good: [0, 1], bad: [-1, 2], says: /must be an integer from 0 to 1/ },
  { at: 'linux.resources.pids', good: [{}, { limit: null }, { limit: 5 }], bad: [[]], says: /must be an object/ },
  { at: 'linux.resources.pids.limit', good: [-1, 0, 4194304], bad: [-2, '100'], says: /must be an integer/ },
  { at: 'linux.resources.blockIO.weight', good: [0, 10, 1000], bad: [-1, 9, 1001], says: /must be an integer from 10 to 1000/ },
  { at: 'linux.resources.blockIO.leafWeight', good: [0, 500], bad: [5], says: /must be an integer from 10 to 1000/ },
  { at: 'linux.resources.blockIO.weightDevice.0.weight', good: [10], bad: [1001], says: /must be an integer from 10 to 1000/ },
  { at: 'linux.resources.blockIO.throttleReadBpsDevice.0.rate', good: [0, big], bad: [-1, 2 ** 64], says: /must be an integer/ },
  { at: 'linux.resources.blockIO.throttleWriteIOPSDevice.0.major', good: [259], bad: [-1], says: /must be an integer/ },
  { at: 'linux.resources.hugepageLimits.0.pageSize', good: ['64KB', '2MB', '1GB'], bad: ['2M', '2mb', '0MB', 'MB', '2MB/..'], says: /must be a size/ },
  { at: 'linux.resources.hugepageLimits.0.limit', good: [0, 2 ** 50], bad: [-1], says: /must be an integer number of bytes/ },
  { at: 'linux.resources.network.classID', good: [0, 2 ** 32 - 1], bad: [-1, 2 ** 32], says: /must be an integer/ },
  { at: 'linux.resources.network.priorities.0.name', good: ['lo', 'eth0.1'], bad: ['', 'a b', 'a\n', 'a/b'], says: /must/ },
  { at: 'linux.resources.network.priorities.0.priority', good: [0], bad: [-1], says: /must be an integer/ },
  { at: 'linux.resources.rdma', good: [{}, { a: { hcaObjects: 1 } }], bad: [[]], says: /must be an object/ },
  { at: 'linux.resources.rdma.mlx5_1', good: [{ hcaHandles: 0 }], bad: [{}], says: /must have hcaHandles, hcaObjects or both/ },
  { at: 'linux.resources.rdma.mlx5_1.hcaHandles', good: [0, 2 ** 32 - 1], bad: [-1, 2 ** 32], says: /must be an integer/ },
  { at: 'linux.resources.unified', good: [{}, { 'io.max': 'a\nb' }], bad: [['x']], says: /must be an object/ },
  { at: 'linux.seccomp', good: [{}, { defaultAction: '', syscalls: [] }, { architectures: null }], bad: [[]], says: /must be an object/ },
  { at: 'linux.seccomp.defaultAction', good: ['SCMP_ACT_ERRNO', 'SCMP_ACT_TRACE'], bad: ['ERRNO', '', 'SCMP_ACT_NOTIFY'], says: /must/ },
  { at: 'linux.seccomp.defaultErrnoRet', good: [0, 4095], bad: [-1, 4096, 65536], says: /must be an (integer|errno)/ },
  { at: 'linux.seccomp.architectures.0', good: ['SCMP_ARCH_ARM', 'SCMP_ARCH_RISCV64'], bad: ['x86_64', 'SCMP_ARCH_Z80', ''], says: /must be one of SCMP_ARCH/ },
  { at: 'linux.seccomp.flags', good: [[], null], bad: ['x'], says: /must be an array/ },
  { at: 'linux.seccomp.flags.0', good: ['SECCOMP_FILTER_FLAG_TSYNC', 'SECCOMP_FILTER_FLAG_SPEC_ALLOW'], bad: ['LOG', ''], says: /must be one of/ },
  { at: 'linux.seccomp.listenerPath', good: ['/x.sock'], bad: ['x.sock'], says: /must be an absolute path/ },
  { at: 'linux.seccomp.syscalls.0.names', good: [['a'], ['no_such_call']], bad: [[]], says: /must not be empty/ },
  { at: 'linux.seccomp.syscalls.0.action', good: ['SCMP_ACT_NOTIFY', 'SCMP_ACT_LOG'], bad: ['ALLOW', ''], says: /must be one of SCMP_ACT_KILL/ },
  { at: 'linux.seccomp.syscalls.2.errnoRet', good: [0, 38], bad: [-1, 4096], says: /must be an (integer|errno)/ },
  { at: 'linux.seccomp.syscalls.2.args.0.index', good: [0, 5], bad: [-1, 6], says: /must be an integer from 0 to 5/ },
  { at: 'linux.seccomp.syscalls.2.args.0.value', good: [0, big], bad: [-1, 2 ** 64], says: /must be an integer from 0 to 18446744073709551615/ },
  { at: 'linux.seccomp.syscalls.2.args.0.op', good: ['SCMP_CMP_EQ', 'SCMP_CMP_GE'], bad: ['==', ''], says: /must be one of SCMP_CMP_NE/ },
];

const full = fullConfig();
const pathOf = (at: string): JsonPath => {
  const [plain = '', key] = at.split('./');
  return [...plain.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part)), ...(key === undefined ? [] : [key])];
};

function tryValues({ at, good, bad, says }: Case): void {
  const path = pathOf(at);
  for (const value of good) assert.doesNotThrow(() => validateConfig(changed(full, path, value)), `${at} = ${JSON.stringify(value)}`);
  const last = String(path.findLast((key) => typeof key === 'string'));
  for (const value of bad) {
    assert.throws(
      () => validateConfig(changed(full, path, value)),
      (error: Error) => error.name === 'OciError' && says.test(error.message) && error.message.includes(last) && error.message.startsWith('config.json: '),
      `${at} = ${JSON.stringify(value)}`,
    );
  }
}

// A test for each part, and not for each property: of some hundred in one file the runner has lost results.
for (const [part, those] of Map.groupBy(cases, ({ at }) => /^(linux\.)?\w+/.exec(at)![0])) {
  test(`${part}: ${those.length} properties`, () => those.forEach(tryValues));
}

test('the cases are hundreds, and each is of a property that there is', () => {
  for (const { at } of cases) assert.equal(typeof valueAt(full, pathOf(at).slice(0, -1)), 'object', at);
  assert.ok(cases.reduce((sum, { good, bad }) => sum + good.length + bad.length, 0) > 400);
});
