import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerConfig, HostConfig, MountPoint } from '../../api/schema.ts';
import type { Spec } from '../../runtime/spec.ts';
import { buildSpec } from './build.ts';
import type { JoinedNamespaces } from './namespaces.ts';

const id = '0123456789abcdef'.repeat(4);

function specOf(
  hostConfig: HostConfig = {},
  config: ContainerConfig = {},
  more: { readonly mounts?: readonly MountPoint[]; readonly joined?: JoinedNamespaces; readonly uid?: number } = {},
): Spec {
  return buildSpec({
    id,
    config: { Entrypoint: ['/entry'], Cmd: ['a', 'b'], ...config },
    hostConfig,
    user: { uid: more.uid ?? 0, gid: 0, additionalGids: [0, 10], home: '/root' },
    files: { hosts: '/run/hosts', hostname: '/run/hostname', resolvConf: '/run/resolv.conf' },
    mounts: more.mounts ?? [],
    joined: more.joined ?? {},
    cgroupsPath: `/hako/${id}`,
  }).spec;
}

const mountAt = (spec: Spec, destination: string): Spec['mounts'][number] | undefined => spec.mounts.find((m) => m.destination === destination);
const namespaces = (spec: Spec): string[] => spec.linux.namespaces.map(({ type, path }) => (path ? `${type}=${path}` : type));
const bindPoint = (Destination: string, more: Partial<MountPoint> = {}): MountPoint => ({
  Type: 'bind',
  Source: '/tmp',
  Destination,
  Mode: '',
  RW: true,
  Propagation: 'rprivate',
  ...more,
});

test('without options a container is confined as Docker confines it', () => {
  const { process, linux, root, hostname, mounts } = specOf();
  assert.deepEqual(process.args, ['/entry', 'a', 'b']);
  assert.deepEqual([process.cwd, process.noNewPrivileges, hostname, root.readonly], ['/', false, '0123456789ab', false]);
  assert.deepEqual(process.user, { uid: 0, gid: 0, additionalGids: [0, 10] });
  assert.equal(process.capabilities?.effective?.length, 14);
  assert.deepEqual(process.capabilities?.inheritable ?? [], []);
  assert.equal(linux.seccomp?.defaultAction, 'SCMP_ACT_ERRNO');
  assert.ok(linux.maskedPaths?.includes('/proc/kcore') && linux.readonlyPaths?.includes('/proc/sys'));
  assert.deepEqual(namespaces(specOf({ NetworkMode: 'none' })), ['mount', 'uts', 'ipc', 'pid', 'network', 'cgroup']);
  assert.deepEqual(
    mounts.map((m) => m.destination),
    ['/proc', '/dev', '/dev/pts', '/sys', '/sys/fs/cgroup', '/dev/mqueue', '/dev/shm', '/etc/resolv.conf', '/etc/hostname', '/etc/hosts'],
  );
  assert.ok(mountAt(specOf(), '/dev/shm')?.options.includes('size=67108864'));
  assert.ok(mountAt(specOf({ ShmSize: 4096 }), '/dev/shm')?.options.includes('size=4096'));
  assert.deepEqual(linux.resources?.devices?.[0], { allow: false, type: 'a', access: 'rwm' });
  assert.deepEqual(Object.keys(linux.resources ?? {}), ['devices']);
});

test('a user who is not root has no capability but what a file may give', () => {
  const { capabilities } = specOf({ CapAdd: ['NET_ADMIN'] }, {}, { uid: 1000 }).process;
  assert.ok(capabilities?.bounding?.includes('CAP_NET_ADMIN'));
  assert.deepEqual([capabilities?.permitted, capabilities?.effective, capabilities?.ambient], [[], [], []]);
});

test('a privileged container has all of them, every device, and nothing hidden', () => {
  const spec = specOf({ Privileged: true });
  assert.ok(spec.process.capabilities?.effective?.includes('CAP_SYS_ADMIN'));
  assert.equal(spec.linux.seccomp, undefined);
  assert.deepEqual([spec.linux.maskedPaths, spec.linux.readonlyPaths], [[], []]);
  assert.deepEqual(spec.linux.resources?.devices, [{ allow: true, type: 'a', access: 'rwm' }]);
  for (const path of ['/sys', '/sys/fs/cgroup']) assert.equal(mountAt(spec, path)?.options.includes('ro'), false, path);
  const paths = spec.linux.devices?.map((d) => d.path) ?? [];
  assert.ok(paths.includes('/dev/null'));
  assert.equal(new Set(paths).size, paths.length);
});

test('namespaces are made, joined or shared as their modes say', () => {
  assert.deepEqual(namespaces(specOf({ NetworkMode: 'host', PidMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host' })), ['mount']);
  assert.deepEqual(
    namespaces(specOf({ NetworkMode: 'container:x', PidMode: 'container:x' }, {}, { joined: { network: '/proc/5/ns/net', pid: '/proc/5/ns/pid' } })),
    ['mount', 'uts', 'ipc', 'pid=/proc/5/ns/pid', 'network=/proc/5/ns/net', 'cgroup'],
  );
  // On the bridge the namespace is prepared and joined by descriptor, unless it has to belong to the user namespace.
  assert.equal(namespaces(specOf({ NetworkMode: 'bridge' })).includes('network'), false);
  const user = specOf({ NetworkMode: 'bridge', UsernsMode: 'private:200000:1000' });
  assert.ok(namespaces(user).includes('network') && namespaces(user).includes('user'));
  assert.deepEqual(user.linux.uidMappings, [{ containerID: 0, hostID: 200000, size: 1000 }]);
  assert.deepEqual(user.linux.gidMappings, user.linux.uidMappings);
  const time = specOf({ Annotations: { 'hakobune.time.monotonic': '-5' } });
  assert.ok(namespaces(time).includes('time'));
  assert.deepEqual(time.linux.timeOffsets, { monotonic: { secs: -5, nanosecs: 0 } });
});

test('sharing the names of the host sets none, and tells them', () => {
  const shared = specOf({ UTSMode: 'host' });
  assert.equal('hostname' in shared, false);
  assert.match(shared.process.env.join('\n'), /^HOSTNAME=.+$/m);
  const own = specOf({}, { Hostname: 'web', Domainname: 'example.org' });
  assert.deepEqual([own.hostname, own.domainname], ['web', 'example.org']);
});

test("shared memory is the own, the host's, or none", () => {
  assert.equal(mountAt(specOf({ IpcMode: 'none' }), '/dev/shm'), undefined);
  assert.deepEqual(mountAt(specOf({ IpcMode: 'host' }), '/dev/shm'), {
    destination: '/dev/shm',
    type: 'bind',
    source: '/dev/shm',
    options: ['rbind', 'rprivate'],
  });
  assert.equal(mountAt(specOf({ IpcMode: 'host', UsernsMode: 'private' }), '/dev/mqueue'), undefined);
});

test('without a cgroup namespace the cgroups of the host are shown, to the last one read-only', () => {
  const mount = mountAt(specOf({ CgroupnsMode: 'host' }), '/sys/fs/cgroup');
  assert.equal(mount?.type, 'bind');
  assert.ok(mount?.options.includes('rro'));
});

test('mounts of the user come by depth and take the place of ours', () => {
  const spec = specOf(
    { Tmpfs: { '/run/': 'size=1m,exec', '/dev/shm': '' } },
    {},
    { mounts: [bindPoint('/a/b/c'), bindPoint('/a'), bindPoint('/etc/hosts'), bindPoint('/sys')] },
  );
  assert.deepEqual(
    spec.mounts.map((m) => `${m.type} ${m.destination}`),
    [
      'proc /proc',
      'tmpfs /dev',
      'devpts /dev/pts',
      'mqueue /dev/mqueue',
      'tmpfs /run',
      'bind /a',
      'bind /sys',
      'bind /etc/resolv.conf',
      'bind /etc/hostname',
      'tmpfs /dev/shm',
      'bind /etc/hosts',
      'bind /a/b/c',
    ],
  );
  assert.equal(mountAt(spec, '/etc/hosts')?.source, '/tmp');
  assert.deepEqual(mountAt(spec, '/run')?.options, ['nosuid', 'nodev', 'noexec', 'size=1m', 'exec']);
});

test('read-only goes for the mounts beneath a source too, unless asked otherwise', () => {
  const options = (point: MountPoint, hostConfig: HostConfig = {}): readonly string[] | undefined =>
    mountAt(specOf(hostConfig, {}, { mounts: [point] }), '/m')?.options;
  assert.deepEqual(options(bindPoint('/m')), ['rbind', 'rprivate']);
  assert.deepEqual(options(bindPoint('/m', { RW: false })), ['rbind', 'rprivate', 'ro', 'rro']);
  assert.deepEqual(options(bindPoint('/m', { RW: false, Mode: 'norecursive' })), ['bind', 'rprivate', 'ro']);
  assert.deepEqual(options(bindPoint('/m', { RW: false }), { Mounts: [{ Type: 'bind', Target: '/m/', BindOptions: { ReadOnlyNonRecursive: true } }] }), [
    'rbind',
    'rprivate',
    'ro',
  ]);
  assert.deepEqual(options(bindPoint('/m', { Mode: 'rslave', Propagation: 'rslave' })), ['rbind', 'rslave']);
  assert.equal(specOf({}, {}, { mounts: [bindPoint('/m', { Propagation: 'rslave' })] }).linux.rootfsPropagation, 'slave');
  const readOnly = specOf({ ReadonlyRootfs: true });
  assert.equal(readOnly.root.readonly, true);
  assert.ok(mountAt(readOnly, '/etc/hosts')?.options.includes('ro'));
});

test('devices are nodes, or in a user namespace the nodes of the host', () => {
  const Devices = [
    { PathOnHost: '/dev/null', PathInContainer: '/dev/hole', CgroupPermissions: 'r' },
    { PathOnHost: '/dev/zero', PathInContainer: '/dev/null' },
  ];
  const { linux } = specOf({ Devices, DeviceCgroupRules: ['c 10:* rw'] });
  assert.deepEqual(
    linux.devices?.filter((d) => d.path === '/dev/null').map((d) => d.minor),
    [5],
  );
  assert.deepEqual(linux.devices?.find((d) => d.path === '/dev/hole')?.minor, 3);
  assert.deepEqual(linux.resources?.devices?.at(-1), { allow: true, type: 'c', major: 10, access: 'rw' });
  assert.ok(linux.resources?.devices?.some((r) => r.major === 1 && r.minor === 3 && r.access === 'r'));
  const user = specOf({ UsernsMode: 'private', Devices: Devices.slice(0, 1) });
  assert.equal(
    user.linux.devices?.some((d) => d.path === '/dev/hole'),
    false,
  );
  assert.equal(mountAt(user, '/dev/hole')?.source, '/dev/null');
  assert.throws(
    () => specOf({ Devices: [{ PathOnHost: '/dev/no-such-device' }] }),
    /^EngineError: error gathering device information while adding custom device "\/dev\/no-such-device"/,
  );
});

test('limits are in the units of the specification', () => {
  const { resources } = specOf({
    NanoCpus: 5e8,
    Memory: 64 << 20,
    CpuShares: 512,
    PidsLimit: 10,
    CpusetCpus: '0',
    MemorySwappiness: -1,
    BlkioWeight: 300,
  }).linux;
  assert.deepEqual(resources?.cpu, { shares: 512, quota: 50_000, period: 100_000, cpus: '0' });
  assert.deepEqual(resources?.memory, { limit: 64 << 20, swap: 128 << 20 });
  assert.deepEqual([resources?.pids, resources?.blockIO], [{ limit: 10 }, { weight: 300 }]);
  assert.deepEqual(specOf({ Memory: 64 << 20, MemorySwap: -1 }).linux.resources?.memory, { limit: 64 << 20, swap: -1 });
  assert.throws(() => specOf({ BlkioDeviceReadBps: [{ Path: '/dev/null', Rate: 1 }] }), /^EngineError: \/dev\/null is not a block device/);
});

test('equal capabilities share one filter, which is compiled once', () => {
  assert.equal(specOf().linux.seccomp, specOf({ ReadonlyRootfs: true }).linux.seccomp);
  assert.notEqual(specOf({ CapAdd: ['SYS_ADMIN'] }).linux.seccomp, specOf().linux.seccomp);
  assert.equal(specOf({ SecurityOpt: ['seccomp=unconfined', 'no-new-privileges'] }).process.noNewPrivileges, true);
});
