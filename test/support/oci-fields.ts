/**
 * Where each property of config.json is done: the step that is another when it has another value. A new property belongs here
 * (test/oci/every-field.test.ts asks for it).
 */
import type { Json, JsonPath } from './full-config.ts';

/** One property. */
export interface FieldInForce {
  /** The step's id; `warning` and `refused` are what is said of it instead, `supervisor` is what a filter's supervisor is told. */
  readonly step: string;
  readonly other: Json;
  /** Where it is in the whole configuration, if not in the last of its array. */
  readonly at?: JsonPath;
  /** The file that it goes to, where it makes no step, and the word in it, if not its own name. */
  readonly file?: string;
  readonly by?: string;
}

const makes = (step: string, other: Json, ...at: (string | number)[]): FieldInForce => ({ step, other, ...(at.length ? { at } : {}) });
const goesTo = (file: string, by?: string): FieldInForce => ({ step: '', other: null, file, ...(by ? { by } : {}) });

const hooks = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'].flatMap((moment) => {
  const at = `hooks.${moment}[]`;
  return [
    [`${at}.path`, makes('hook.exec', '/bin/other')],
    [`${at}.args`, makes('hook.exec', ['other'])],
    [`${at}.env`, makes('hook.exec', ['B=2'])],
    [`${at}.timeout`, makes('hook.end', 7)],
  ] as const;
});
const throttles = ['ReadBps', 'WriteBps', 'ReadIOPS', 'WriteIOPS'].flatMap((kind) => {
  const at = `linux.resources.blockIO.throttle${kind}Device[]`;
  return [
    [`${at}.major`, makes('cgroup.limit.io', 9)],
    [`${at}.minor`, makes('cgroup.limit.io', 9)],
    [`${at}.rate`, makes('cgroup.limit.io', 9)],
  ] as const;
});
const mappings = (at: string, step: string): (readonly [string, FieldInForce])[] => [
  [`${at}[].containerID`, makes(step, 1)],
  [`${at}[].hostID`, makes(step, 7)],
  [`${at}[].size`, makes(step, 777)],
];

/** By path. */
export const fieldsInForce: Readonly<Record<string, FieldInForce>> = {
  ociVersion: goesTo('src/oci/new-container.ts'),
  'process.terminal': makes('process.streams', false),
  'process.consoleSize.height': makes('console.open', 40),
  'process.consoleSize.width': makes('console.open', 100),
  'process.cwd': makes('process.directory', '/tmp'),
  'process.env': makes('process.exec', ['A=1']),
  'process.args': makes('process.exec', ['true']),
  'process.user.uid': makes('process.user', 7),
  'process.user.gid': makes('process.user', 7),
  'process.user.umask': makes('process.umask', 0o77),
  'process.user.additionalGids': makes('process.user', [7]),
  'process.capabilities.bounding': makes('capability.bounding', ['CAP_KILL']),
  'process.capabilities.permitted': makes('capability.set', ['CAP_KILL', 'CAP_AUDIT_WRITE']),
  'process.capabilities.effective': makes('capability.set', []),
  'process.capabilities.inheritable': makes('capability.set', []),
  'process.capabilities.ambient': makes('capability.ambient', []),
  'process.rlimits[].type': makes('process.rlimit', 'RLIMIT_CORE'),
  'process.rlimits[].soft': makes('process.rlimit', 7),
  'process.rlimits[].hard': makes('process.rlimit', 777),
  'process.noNewPrivileges': makes('process.no-new-privileges', false),
  'process.oomScoreAdj': makes('process.oom-score', 7),
  'process.apparmorProfile': makes('process.apparmor', 'other'),
  'process.selinuxLabel': makes('process.selinux', 'a:b:c:s0'),
  'process.scheduler.policy': makes('process.scheduler', 'SCHED_RR'),
  'process.scheduler.nice': makes('process.scheduler', 7),
  'process.scheduler.priority': makes('process.scheduler', 7),
  'process.scheduler.flags': makes('process.scheduler', []),
  'process.scheduler.runtime': makes('refused', 7),
  'process.scheduler.deadline': makes('refused', 7),
  'process.scheduler.period': makes('refused', 7),
  'process.ioPriority.class': makes('process.io-priority', 'IOPRIO_CLASS_BE'),
  'process.ioPriority.priority': makes('process.io-priority', 7),
  'process.execCPUAffinity.initial': makes('process.cpu-affinity', '1'),
  'process.execCPUAffinity.final': makes('process.cpu-affinity', '1'),
  'root.path': makes('mount.root-directory', '/other'),
  'root.readonly': makes('mount.read-only-root', false),
  hostname: makes('uts.hostname', 'other'),
  domainname: makes('uts.domainname', 'other'),
  'mounts[].destination': makes('mount.bind', '/other'),
  'mounts[].type': makes('mount.dev', 'ramfs', 'mounts', 1, 'type'),
  'mounts[].source': makes('mount.source', '/other'),
  'mounts[].options': makes('mount.bind', ['rbind', 'ro']),
  ...Object.fromEntries(mappings('mounts[].uidMappings', 'user.map-namespace')),
  ...Object.fromEntries(mappings('mounts[].gidMappings', 'user.map-namespace')),
  ...Object.fromEntries(hooks),
  annotations: goesTo('src/oci/new-container.ts'),
  'linux.namespaces[].type': makes('process.clone', 'cgroup', 'linux', 'namespaces', 3, 'type'),
  'linux.namespaces[].path': makes('namespace.open', '/run/netns/other'),
  'linux.timeOffsets{}.secs': makes('namespace.time', 7),
  'linux.timeOffsets{}.nanosecs': makes('namespace.time', 7),
  'linux.devices[].type': makes('dev.node', 'b'),
  'linux.devices[].path': makes('dev.node', '/dev/other'),
  'linux.devices[].major': makes('dev.node', 7),
  'linux.devices[].minor': makes('dev.node', 7),
  'linux.devices[].fileMode': makes('dev.node', 0o600),
  'linux.devices[].uid': makes('dev.node', 7),
  'linux.devices[].gid': makes('dev.node', 7),
  'linux.cgroupsPath': makes('cgroup.create', '/other'),
  'linux.resources.devices[].allow': makes('cgroup.devices', false),
  'linux.resources.devices[].type': makes('cgroup.devices', 'b'),
  'linux.resources.devices[].major': makes('cgroup.devices', 7),
  'linux.resources.devices[].minor': makes('cgroup.devices', 7),
  'linux.resources.devices[].access': makes('cgroup.devices', 'r'),
  'linux.resources.memory.limit': makes('cgroup.limit.memory', 1 << 28),
  'linux.resources.memory.reservation': makes('cgroup.limit.memory', 1 << 27),
  'linux.resources.memory.swap': makes('cgroup.limit.memory', 2 ** 33),
  'linux.resources.memory.kernel': makes('warning', null),
  'linux.resources.memory.kernelTCP': makes('cgroup.limit.memory', 4096),
  'linux.resources.memory.swappiness': makes('cgroup.limit.memory', 7),
  'linux.resources.memory.disableOOMKiller': makes('cgroup.limit.memory', true),
  'linux.resources.memory.useHierarchy': makes('refused', false),
  'linux.resources.memory.checkBeforeUpdate': goesTo('src/runtime/cgroup/controllers/memory.ts'),
  'linux.resources.cpu.shares': makes('cgroup.limit.cpu', 7),
  'linux.resources.cpu.quota': makes('cgroup.limit.cpu', 7000),
  'linux.resources.cpu.period': makes('cgroup.limit.cpu', 70000),
  'linux.resources.cpu.burst': makes('cgroup.limit.cpu', 7),
  'linux.resources.cpu.realtimeRuntime': makes('cgroup.limit.cpu', 7),
  'linux.resources.cpu.realtimePeriod': makes('cgroup.limit.cpu', 7),
  'linux.resources.cpu.cpus': makes('cgroup.limit.cpuset', '1'),
  'linux.resources.cpu.mems': makes('cgroup.limit.cpuset', '1'),
  'linux.resources.cpu.idle': makes('cgroup.limit.cpu', 1),
  'linux.resources.pids.limit': makes('cgroup.limit.pids', 7),
  'linux.resources.blockIO.weight': makes('cgroup.limit.io', 77),
  'linux.resources.blockIO.leafWeight': makes('cgroup.limit.io', 77),
  'linux.resources.blockIO.weightDevice[].major': makes('cgroup.limit.io', 9),
  'linux.resources.blockIO.weightDevice[].minor': makes('cgroup.limit.io', 9),
  'linux.resources.blockIO.weightDevice[].weight': makes('cgroup.limit.io', 77),
  'linux.resources.blockIO.weightDevice[].leafWeight': makes('cgroup.limit.io', 77),
  ...Object.fromEntries(throttles),
  'linux.resources.hugepageLimits[].pageSize': makes('cgroup.limit.hugetlb', '1GB'),
  'linux.resources.hugepageLimits[].limit': makes('cgroup.limit.hugetlb', 7),
  'linux.resources.network.classID': makes('cgroup.limit.net-cls', 7),
  'linux.resources.network.priorities[].name': makes('cgroup.limit.net-prio', 'lo'),
  'linux.resources.network.priorities[].priority': makes('cgroup.limit.net-prio', 7),
  'linux.resources.rdma{}.hcaHandles': makes('cgroup.limit.rdma', 7),
  'linux.resources.rdma{}.hcaObjects': makes('cgroup.limit.rdma', 7),
  'linux.resources.unified': makes('cgroup.limit.unified', { 'memory.high': '7' }),
  'linux.intelRdt.closID': makes('resctrl.group', 'other'),
  'linux.intelRdt.l3CacheSchema': makes('resctrl.schemata', 'L3:0=f'),
  'linux.intelRdt.memBwSchema': makes('resctrl.schemata', 'MB:0=10'),
  'linux.intelRdt.enableCMT': goesTo('src/oci/intel-rdt.ts', 'enableCMT'),
  'linux.intelRdt.enableMBM': goesTo('src/oci/intel-rdt.ts', 'enableMBM'),
  'linux.sysctl': makes('sysctl.write', { 'net.core.somaxconn': '7' }),
  'linux.seccomp.defaultAction': makes('seccomp.filter', 'SCMP_ACT_TRACE'),
  'linux.seccomp.defaultErrnoRet': makes('seccomp.filter', 7),
  'linux.seccomp.architectures': makes('seccomp.filter', []),
  'linux.seccomp.flags': makes('seccomp.filter', []),
  'linux.seccomp.listenerPath': makes('seccomp.listener', '/run/other.sock'),
  'linux.seccomp.listenerMetadata': makes('supervisor', 'other'),
  'linux.seccomp.syscalls[].names': makes('seccomp.filter', ['mkdir']),
  'linux.seccomp.syscalls[].action': makes('seccomp.filter', 'SCMP_ACT_TRACE'),
  'linux.seccomp.syscalls[].errnoRet': makes('seccomp.filter', 7),
  'linux.seccomp.syscalls[].args[].index': makes('seccomp.filter', 3),
  'linux.seccomp.syscalls[].args[].value': makes('seccomp.filter', 7),
  'linux.seccomp.syscalls[].args[].valueTwo': makes('seccomp.filter', 0x20000),
  'linux.seccomp.syscalls[].args[].op': makes('seccomp.filter', 'SCMP_CMP_EQ'),
  ...Object.fromEntries(mappings('linux.uidMappings', 'user.uid-map')),
  ...Object.fromEntries(mappings('linux.gidMappings', 'user.gid-map')),
  'linux.rootfsPropagation': makes('mount.propagation', 'private'),
  'linux.maskedPaths': makes('mount.mask', ['/proc/keys']),
  'linux.readonlyPaths': makes('mount.read-only', ['/proc/irq']),
  'linux.mountLabel': makes('mount.dev', 'a:b:c:s0'),
  'linux.personality.domain': makes('process.personality', 'LINUX32'),
};
