/** A configuration for hako-oci with every property that the runtime specification 1.2 has for Linux, each with a value that may be. */

/** A property's value, or a part of the document. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A whole document, new at each call. */
export const fullConfig = (): { [key: string]: Json } => ({
  ociVersion: '1.2.0',
  process: fullProcess(),
  root: { path: 'rootfs', readonly: true },
  hostname: 'box',
  domainname: 'example.org',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'size=65536k'] },
    {
      destination: '/data',
      type: 'bind',
      source: 'data',
      options: ['rbind', 'ridmap'],
      uidMappings: [{ containerID: 0, hostID: 100000, size: 1000 }],
      gidMappings: [{ containerID: 0, hostID: 100000, size: 1000 }],
    },
  ],
  hooks: Object.fromEntries(
    ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].map((moment) => [
      moment,
      [{ path: '/usr/bin/hook', args: ['hook', moment], env: ['A=1'], timeout: 5 }],
    ]),
  ),
  annotations: { 'org.example.key': 'value' },
  linux: {
    namespaces: [...['pid', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time'].map((type) => ({ type })), { type: 'network', path: '/run/netns/of-nobody' }],
    uidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
    gidMappings: [{ containerID: 0, hostID: 100000, size: 65536 }],
    timeOffsets: { monotonic: { secs: -100, nanosecs: 5 }, boottime: { secs: 100, nanosecs: 0 } },
    devices: [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229, fileMode: 0o666, uid: 0, gid: 0 }],
    cgroupsPath: '/hako-test/full',
    resources: fullResources(),
    intelRdt: { closID: 'guaranteed', l3CacheSchema: 'L3:0=7f0;1=1f', memBwSchema: 'MB:0=20;1=70', enableCMT: true, enableMBM: true },
    sysctl: { 'net.core.somaxconn': '256', 'kernel.shmmax': '1048576' },
    seccomp: {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
      flags: ['SECCOMP_FILTER_FLAG_LOG'],
      listenerPath: '/run/listener.sock',
      listenerMetadata: 'anything',
      syscalls: [
        { names: ['read', 'write'], action: 'SCMP_ACT_ALLOW' },
        { names: ['chmod'], action: 'SCMP_ACT_NOTIFY' },
        { names: ['clone'], action: 'SCMP_ACT_ERRNO', errnoRet: 1, args: [{ index: 0, value: 2114060288, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }] },
      ],
    },
    rootfsPropagation: 'slave',
    maskedPaths: ['/proc/kcore'],
    readonlyPaths: ['/proc/sys'],
    mountLabel: 'system_u:object_r:svirt_sandbox_file_t:s0:c715,c811',
    personality: { domain: 'LINUX' },
  },
});

/** A whole process. */
export const fullProcess = (): { [key: string]: Json } => ({
  terminal: true,
  consoleSize: { height: 25, width: 80 },
  cwd: '/',
  env: ['PATH=/usr/bin:/bin', 'EMPTY='],
  args: ['sh', '-c', ''],
  user: { uid: 1, gid: 1, umask: 0o22, additionalGids: [5, 6] },
  capabilities: {
    bounding: ['CAP_AUDIT_WRITE', 'CAP_KILL'],
    permitted: ['CAP_KILL'],
    effective: ['CAP_KILL'],
    inheritable: ['CAP_KILL'],
    ambient: ['CAP_KILL'],
  },
  rlimits: [{ type: 'RLIMIT_NOFILE', soft: 512, hard: 1024 }],
  noNewPrivileges: true,
  oomScoreAdj: 100,
  apparmorProfile: 'acme_secure_profile',
  selinuxLabel: 'system_u:system_r:svirt_lxc_net_t:s0:c124,c675',
  scheduler: { policy: 'SCHED_FIFO', nice: 0, priority: 10, flags: ['SCHED_FLAG_RESET_ON_FORK'], runtime: 0, deadline: 0, period: 0 },
  ioPriority: { class: 'IOPRIO_CLASS_IDLE', priority: 4 },
  execCPUAffinity: { initial: '0-1', final: '0' },
});

/** Limits of every kind. */
export const fullResources = (): { [key: string]: Json } => ({
  devices: [
    { allow: false, type: 'a', access: 'rwm' },
    { allow: true, type: 'c', major: 10, minor: 229, access: 'rw' },
  ],
  memory: {
    limit: 536870912,
    reservation: 268435456,
    swap: 536870912,
    kernel: -1,
    kernelTCP: -1,
    swappiness: 0,
    disableOOMKiller: false,
    useHierarchy: true,
    checkBeforeUpdate: false,
  },
  cpu: { shares: 1024, quota: 50000, period: 100000, burst: 1000, realtimeRuntime: 0, realtimePeriod: 1000000, cpus: '0-1', mems: '0', idle: 0 },
  pids: { limit: 100 },
  blockIO: {
    weight: 10,
    leafWeight: 20,
    weightDevice: [{ major: 8, minor: 0, weight: 500, leafWeight: 300 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 600 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 600 }],
    throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 600 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 600 }],
  },
  hugepageLimits: [{ pageSize: '2MB', limit: 209715200 }],
  network: { classID: 1048577, priorities: [{ name: 'eth0', priority: 500 }] },
  rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 } },
  unified: { 'memory.high': '1073741824' },
});

/** Where something is in a document: `linux`, `namespaces`, 0, `type`. */
export type JsonPath = readonly (string | number)[];

/** Every path of a document, of parts and of values. */
export function* pathsOf(value: Json, at: JsonPath = []): Generator<JsonPath> {
  if (at.length > 0) yield at;
  if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* pathsOf(item, [...at, i]);
  else if (typeof value === 'object' && value !== null) for (const [key, item] of Object.entries(value)) yield* pathsOf(item, [...at, key]);
}

/** What is at a path. */
export const valueAt = (document: Json, path: JsonPath): Json => path.reduce<Json>((part, key) => (part as never)[key], document);

/** A document in which something else is at a path, or nothing. */
export function changed(document: Json, path: JsonPath, value: Json | undefined): Json {
  const copy = structuredClone(document);
  const parent = valueAt(copy, path.slice(0, -1)) as { [key: string | number]: Json };
  const last = path.at(-1)!;
  if (value !== undefined) Object.defineProperty(parent, last, { value, enumerable: true, configurable: true, writable: true });
  else if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else delete parent[last];
  return copy;
}

/** A path as messages have it: `linux.sysctl["net.core.somaxconn"]`. */
export const pathText = (path: JsonPath): string =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `["${key}"]`))
    .join('')
    .replace(/^\./, '');
