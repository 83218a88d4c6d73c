/** What one property of config.json asks of another, and lists that must not have something twice. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { validateConfig, validateProcess, validateResources } from './read.ts';

type Document = Record<string, unknown>;

/** The least that is a configuration, with parts of `linux` and of the whole. */
const config = (linux: Document = {}, rest: Document = {}): Document => ({
  ociVersion: '1.2.0',
  process: { cwd: '/', args: ['sh'] },
  root: { path: 'rootfs' },
  linux: { namespaces: [{ type: 'mount' }, { type: 'pid' }], ...linux },
  ...rest,
});
const namespaces = (...types: string[]): object[] => types.map((type) => ({ type }));
const map = (...entries: [number, number, number][]): object[] => entries.map(([containerID, hostID, size]) => ({ containerID, hostID, size }));
const ids = { uidMappings: map([0, 1000, 10]), gidMappings: map([0, 1000, 10]) };

const accepted = (document: unknown): string[] => [...validateConfig(document).warnings];
function refused(document: unknown, says: RegExp): void {
  assert.throws(
    () => validateConfig(document),
    (error: Error) => {
      assert.equal(error.name, 'OciError', String(error.stack));
      assert.match(error.message, says);
      return true;
    },
    JSON.stringify(document),
  );
}

test('the least that is a configuration is one, and what it leaves out is empty', () => {
  const { spec, warnings } = validateConfig({ ociVersion: '1.0.0', process: { cwd: '/', args: ['a'] }, root: { path: 'r' } });
  assert.deepEqual(warnings, []);
  assert.deepEqual(spec, {
    ociVersion: '1.0.0',
    process: { cwd: '/', args: ['a'], env: [], user: { uid: 0, gid: 0 } },
    root: { path: 'r' },
    mounts: [],
    linux: { namespaces: [], cgroupsPath: '' },
  });
});

test('what is no configuration is refused as a whole', () => {
  for (const json of [null, [], 'x', 5, true, undefined]) refused(json, /^config\.json: the document must be an object/);
  refused({}, /^config\.json: ociVersion is missing; process is missing; root is missing$/);
});

test('what belongs to another platform or a later version is refused, not left out', () => {
  for (const name of ['windows', 'solaris', 'vm', 'zos', 'freebsd'])
    refused(config({}, { [name]: {} }), new RegExp(`^config\\.json: ${name} is not supported: it is of another platform`));
  refused(config({ netDevices: { eth0: {} } }), /linux\.netDevices is not supported: it came with version 1\.3/);
  refused(config({ memoryPolicy: {} }), /linux\.memoryPolicy is not supported/);
  refused(config({ intelRdt: { schemata: ['L3:0=f'] } }), /linux\.intelRdt\.schemata is not supported/);
  refused(config({ personality: { domain: 'LINUX', flags: ['ADDR_NO_RANDOMIZE'] } }), /linux\.personality\.flags is not supported/);
  accepted(config({ personality: { domain: 'LINUX', flags: [] } }));
  const process = (extra: Document): Document => config({}, { process: { cwd: '/', args: ['sh'], ...extra } });
  refused(process({ commandLine: 'cmd /c dir' }), /process\.commandLine is not supported: it belongs to Windows/);
  refused(process({ user: { username: 'nobody' } }), /process\.user\.username is not supported: it belongs to Windows/);
  accepted(process({ commandLine: '', user: { uid: 0, gid: 0, username: '' } }));
});

test('a namespace is there once', () => {
  refused(config({ namespaces: namespaces('pid', 'mount', 'pid') }), /linux\.namespaces\[2\]\.type is there twice: pid/);
});

test('ids are mapped in a user namespace, and in a new one they must be', () => {
  accepted(config({ namespaces: namespaces('user', 'mount'), ...ids }));
  refused(config(ids), /linux\.uidMappings needs a user namespace.*; linux\.gidMappings needs a user namespace/);
  refused(config({ namespaces: namespaces('user') }), /linux\.uidMappings is missing: a new user namespace/);
  refused(config({ namespaces: namespaces('user'), uidMappings: ids.uidMappings }), /linux\.gidMappings is missing/);
  const joined = [{ type: 'user', path: '/proc/1/ns/user' }];
  accepted(config({ namespaces: joined }));
  accepted(config({ namespaces: joined, ...ids }));
  accepted(config({ uidMappings: [], gidMappings: null }));
});

test('no id is mapped twice, on neither side', () => {
  const user = { namespaces: namespaces('user'), gidMappings: ids.gidMappings };
  accepted(config({ ...user, uidMappings: map([0, 1000, 10], [10, 2000, 5], [15, 1010, 1]) }));
  refused(config({ ...user, uidMappings: map([0, 1000, 10], [9, 2000, 5]) }), /linux\.uidMappings must not have a containerID twice: 9 is in two entries/);
  refused(config({ ...user, uidMappings: map([0, 1000, 10], [20, 1005, 5]) }), /linux\.uidMappings must not have a hostID twice: 1005/);
  refused(config({ ...user, uidMappings: map([2 ** 32 - 2, 0, 3]) }), /linux\.uidMappings\[0\]\.size reaches beyond the last id/);
  refused(config({ ...user, uidMappings: Array.from({ length: 341 }, (_, i) => map([i, i, 1])[0]) }), /at most 340 entries, not 341/);
});

test("the program's user is one of its user namespace", () => {
  const as = (user: Document): Document => config({ namespaces: namespaces('user'), ...ids }, { process: { cwd: '/', args: ['sh'], user } });
  accepted(as({ uid: 9, gid: 9, additionalGids: [1] }));
  refused(as({ uid: 10, gid: 0 }), /process\.user\.uid is not in linux\.uidMappings: 10/);
  refused(as({ uid: 0, gid: 77 }), /process\.user\.gid is not in linux\.gidMappings: 77/);
  refused(as({ uid: 0, gid: 0, additionalGids: [1, 77] }), /process\.user\.additionalGids\[1\] is not in linux\.gidMappings: 77/);
});

test('what would change the host needs a namespace', () => {
  accepted(config({ namespaces: namespaces('uts') }, { hostname: 'a', domainname: 'b' }));
  refused(config({}, { hostname: 'a' }), /^config\.json: hostname needs a UTS namespace/);
  refused(config({}, { domainname: 'a' }), /^config\.json: domainname needs a UTS namespace/);
  refused(config({ namespaces: [], maskedPaths: ['/proc/kcore'] }), /linux\.maskedPaths needs a mount namespace/);
  refused(config({ namespaces: [], readonlyPaths: ['/proc/sys'] }), /linux\.readonlyPaths needs a mount namespace/);
  accepted(config({ namespaces: [], maskedPaths: [], readonlyPaths: [] }));
});

test('clocks are set in a new time namespace alone', () => {
  const timeOffsets = { boottime: { secs: 5 } };
  accepted(config({ namespaces: namespaces('time'), timeOffsets }));
  refused(config({ timeOffsets }), /linux\.timeOffsets needs a time namespace/);
  refused(
    config({ namespaces: [{ type: 'time', path: '/proc/1/ns/time' }], timeOffsets }),
    /linux\.timeOffsets cannot be given with a time namespace that is joined/,
  );
  refused(config({ namespaces: namespaces('time'), timeOffsets: { realtime: { secs: 1 } } }), /linux\.timeOffsets\.realtime is not a clock/);
  accepted(config({ timeOffsets: {} }));
});

test('a kernel parameter needs the namespace that it belongs to', () => {
  const sysctl = (key: string, ...types: string[]): Document => config({ namespaces: namespaces(...types), sysctl: { [key]: '1' } });
  const kinds = { 'net.ipv4.ip_forward': 'network', 'kernel.msgmax': 'ipc', 'kernel.sem': 'ipc', 'kernel.shm_rmid_forced': 'ipc', 'fs.mqueue.msg_max': 'ipc' };
  for (const [key, type] of [...Object.entries(kinds), ['kernel.domainname', 'uts'] as const]) {
    accepted(sysctl(key, type));
    refused(sysctl(key, 'pid'), new RegExp(`linux\\.sysctl\\["${key}"\\] is not allowed in the host's ${type} namespace`));
  }
  const all = ['network', 'ipc', 'uts', 'user', 'pid', 'mount'];
  const withIds = (key: string): Document => config({ namespaces: namespaces(...all), ...ids, sysctl: { [key]: '1' } });
  for (const key of ['kernel.core_pattern', 'vm.overcommit_memory', 'kernel.msg', 'kernel.shmmaxx', 'fs.file-max', 'user.max_user_namespaces'])
    refused(withIds(key), /is not allowed: it is in no namespace/);
  refused(withIds('kernel.hostname'), /is not allowed: the property hostname is for that/);
  for (const key of [
    'net',
    'net.',
    '.net.x',
    'net..x',
    'net.ipv4/../../../kernel/core_pattern',
    'net/../kernel/core_pattern',
    'net.a\nb',
    'net. x',
    'net./.x',
    'net.//.kernel.core_pattern',
  ])
    refused(withIds(key), /is not (the name of a kernel parameter|allowed)/);
});

test('a joined network namespace that is this one is the host', () => {
  const joined = (path: string): Document => config({ namespaces: [{ type: 'network', path }], sysctl: { 'net.ipv4.ip_forward': '1' } });
  refused(joined('/proc/self/ns/net'), /is not allowed in the host's network namespace/);
  refused(joined(`/proc/${process.pid}/ns/net`), /is not allowed in the host's network namespace/);
  accepted(joined('/run/netns/that-is-not-there'));
});

test('a kernel parameter may be written with slashes, as sysctl(8) has it', () => {
  const read = (key: string): string[] =>
    Object.keys(validateConfig(config({ namespaces: namespaces('network'), sysctl: { [key]: '1' } })).spec.linux.sysctl ?? {});
  assert.deepEqual(read('net/ipv4/conf/eth0.5/rp_filter'), ['net.ipv4.conf.eth0/5.rp_filter']);
  assert.deepEqual(read('net.ipv4.conf.eth0/5.rp_filter'), ['net.ipv4.conf.eth0/5.rp_filter']);
  assert.deepEqual(read('net/ipv4/ip_forward'), ['net.ipv4.ip_forward']);
});

test('a mount of something that exists says of what; any other says its type', () => {
  const mount = (each: Document, linux: Document = {}): Document => config(linux, { mounts: [{ destination: '/m', ...each }] });
  accepted(mount({ source: '/a', options: ['bind'] }));
  accepted(mount({ type: 'none', source: 'a', options: ['rbind', 'ro'] }));
  accepted(mount({ type: 'tmpfs' }));
  accepted(mount({ options: ['remount', 'ro'] }));
  refused(mount({ options: ['bind'] }), /mounts\[0\]\.source is missing/);
  refused(mount({ type: 'bind' }), /mounts\[0\]\.source is missing/);
  refused(mount({ source: '/a' }), /mounts\[0\]\.type is missing/);
  assert.equal(validateConfig(mount({ destination: 'm', type: 'tmpfs' })).spec.mounts[0]?.destination, '/m');
  assert.match(accepted(mount({ destination: 'm', type: 'tmpfs' })).join(), /mounts\[0\]\.destination should be an absolute path: "m" is taken from the root/);
});

test('files are mapped in bind mounts alone, by both maps', () => {
  const bind = { destination: '/m', source: '/a', options: ['bind'] };
  const mount = (each: Document, linux: Document = {}): Document => config(linux, { mounts: [{ ...bind, ...each }] });
  accepted(mount(ids));
  refused(mount({ uidMappings: ids.uidMappings }), /mounts\[0\] must have both uidMappings and gidMappings/);
  refused(mount({ ...ids, type: 'tmpfs', options: [] }), /mounts\[0\] must be a bind mount/);
  refused(mount({ options: ['bind', 'idmap'] }), /mounts\[0\] has the option idmap or ridmap, but neither mappings/);
  accepted(mount({ options: ['bind', 'idmap'] }, { namespaces: namespaces('user', 'mount'), ...ids }));
  accepted(mount({ ...ids, options: ['rbind', 'ridmap'] }));
});

test('a device has numbers, but for a FIFO; its mode may tell its type, as stat does', () => {
  const devices = (...all: Document[]) => validateConfig(config({ devices: all })).spec.linux.devices;
  assert.deepEqual(devices({ type: 'p', path: '/dev/fifo' }), [{ type: 'p', path: '/dev/fifo', major: 0, minor: 0 }]);
  assert.deepEqual(devices({ type: 'b', path: '/dev/sda', major: 8, minor: 0, fileMode: 0o060640 }), [
    { type: 'b', path: '/dev/sda', major: 8, minor: 0, fileMode: 0o640 },
  ]);
  refused(config({ devices: [{ type: 'c', path: '/dev/x' }] }), /linux\.devices\[0\]\.major is missing; linux\.devices\[0\]\.minor is missing/);
  refused(config({ devices: [{ type: 'c', path: '/dev/x', major: 1, minor: 1, fileMode: 0o060640 }] }), /fileMode says another type of file than "c"/);
});

test('a rule of devices matches any number where it gives none or -1', () => {
  const { resources } = validateResources({ devices: [{ allow: true, type: 'c', major: 1, minor: -1 }, {}] });
  assert.deepEqual(resources.devices, [
    { allow: true, type: 'c', major: 1, access: 'rwm' },
    { allow: false, access: 'rwm' },
  ]);
});

test('seccomp: a listener for what is to be notified, and an errno where one is returned', () => {
  const seccomp = (profile: Document): Document => config({ seccomp: { defaultAction: 'SCMP_ACT_ALLOW', ...profile } });
  const notify = [{ names: ['mkdir'], action: 'SCMP_ACT_NOTIFY' }];
  accepted(seccomp({ syscalls: notify, listenerPath: '/s', listenerMetadata: 'm' }));
  refused(seccomp({ syscalls: notify }), /linux\.seccomp\.listenerPath is missing: linux\.seccomp\.syscalls\[0\] has SCMP_ACT_NOTIFY/);
  refused(seccomp({ listenerMetadata: 'm' }), /linux\.seccomp\.listenerMetadata needs a listenerPath/);
  refused(seccomp({ defaultErrnoRet: 1 }), /linux\.seccomp\.defaultErrnoRet cannot be given with SCMP_ACT_ALLOW/);
  refused(seccomp({ syscalls: [{ names: ['a'], action: 'SCMP_ACT_KILL', errnoRet: 1 }] }), /syscalls\[0\]\.errnoRet cannot be given with SCMP_ACT_KILL/);
  accepted(seccomp({ syscalls: [{ names: ['a'], action: 'SCMP_ACT_TRACE', errnoRet: 65535 }] }));
  assert.equal(validateConfig(config({ seccomp: { defaultAction: '', syscalls: null } })).spec.linux.seccomp, undefined);
});

const process_ = (extra: Document): Document => ({ cwd: '/', args: ['a'], ...extra });

test('schedulers: what belongs to which policy', () => {
  const scheduler = (each: Document) => () => validateProcess(process_({ scheduler: each }));
  const good = [
    { policy: 'SCHED_OTHER', nice: 5 },
    { policy: 'SCHED_RR', priority: 1 },
    { policy: 'SCHED_DEADLINE', runtime: 1e6, deadline: 2e6, period: 3e6 },
    { policy: 'SCHED_DEADLINE', runtime: 1e6, deadline: 2e6 },
  ];
  for (const each of good) assert.doesNotThrow(scheduler(each));
  assert.throws(scheduler({ policy: 'SCHED_OTHER', priority: 1 }), /the process: scheduler\.priority can be given with SCHED_FIFO and SCHED_RR only/);
  assert.throws(scheduler({ policy: 'SCHED_FIFO' }), /scheduler\.priority must be from 1 to 99 with SCHED_FIFO/);
  assert.throws(scheduler({ policy: 'SCHED_BATCH', period: 1 }), /scheduler\.period can be given with SCHED_DEADLINE only/);
  for (const [runtime, deadline, period] of [
    [0, 1, 1],
    [2, 1, 1],
    [1, 3, 2],
  ])
    assert.throws(scheduler({ policy: 'SCHED_DEADLINE', runtime, deadline, period }), /scheduler must have 0 < runtime <= deadline <= period/);
});

test('limits of a process: each once; none is -1', () => {
  const rlimits = (...all: Document[]) => validateProcess(process_({ rlimits: all })).process.rlimits;
  const max = 2n ** 64n - 1n;
  assert.deepEqual(rlimits({ type: 'RLIMIT_CORE', soft: 0, hard: max }), [{ type: 'RLIMIT_CORE', soft: 0, hard: -1 }]);
  assert.deepEqual(rlimits({ type: 'RLIMIT_AS', soft: 5, hard: 2n ** 63n - 1n }), [{ type: 'RLIMIT_AS', soft: 5, hard: 2n ** 63n - 1n }]);
  const core = { type: 'RLIMIT_CORE', soft: 0, hard: 0 };
  assert.throws(() => rlimits(core, core), /the process: rlimits\[1\]\.type is there twice: RLIMIT_CORE/);
  assert.throws(() => rlimits({ type: 'RLIMIT_CORE', soft: max, hard: 5 }), /rlimits\[0\]\.soft must not be above the hard limit/);
});

test('a capability that nobody knows is left out, with a warning', () => {
  const { process, warnings } = validateProcess(process_({ capabilities: { bounding: ['CAP_KILL', 'CAP_OF_TOMORROW', 'kill'], ambient: null } }));
  assert.deepEqual(process.capabilities, { bounding: ['CAP_KILL'] });
  assert.deepEqual(warnings, [
    'the process: capabilities.bounding[1] is not a capability: "CAP_OF_TOMORROW" was left out',
    'the process: capabilities.bounding[2] is not a capability: "kill" was left out',
  ]);
});

test('a process and limits by themselves are refused as in config.json, by the name of their file', () => {
  assert.throws(() => validateProcess({ args: [] }, 'process.json'), /^OciError: process\.json: args must not be empty; cwd is missing$/);
  assert.throws(() => validateResources({ memory: { limit: '64m' } }, 'limits.json'), {
    message: 'limits.json: memory.limit must be an integer number of bytes, not "64m"',
  });
  assert.deepEqual(validateResources({}).resources, {});
});
