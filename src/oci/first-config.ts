/** The config.json that `hako-oci spec` writes: what runc's has, so that guides and scripts which edit it work. */
import { findHierarchies } from '../runtime/cgroup/layout.ts';
import { specVersion } from './spec-version.ts';

const capabilities = ['CAP_AUDIT_WRITE', 'CAP_KILL', 'CAP_NET_BIND_SERVICE'];
const plain = ['nosuid', 'noexec', 'nodev'];

/** @param rootless for a user who is not root: mapped to root of a user namespace, without limits and on the host's network */
export function firstConfig(rootless: boolean): object {
  const namespaces = (['pid', 'network', 'ipc', 'uts', 'mount', 'user', 'cgroup'] as const).filter((type) => {
    if (type === 'network' || type === 'user') return rootless === (type === 'user');
    return type !== 'cgroup' || onlyUnified();
  });
  return {
    ociVersion: specVersion,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ['sh'],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
      cwd: '/',
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: 'rootfs', readonly: true },
    hostname: 'hako',
    mounts: mounts(rootless),
    linux: {
      ...(rootless
        ? { uidMappings: [{ containerID: 0, hostID: process.geteuid!(), size: 1 }], gidMappings: [{ containerID: 0, hostID: process.getegid!(), size: 1 }] }
        : { resources: { devices: [{ allow: false, access: 'rwm' }] } }),
      namespaces: namespaces.map((type) => ({ type })),
      maskedPaths: [
        ...['acpi', 'asound', 'kcore', 'keys', 'latency_stats', 'timer_list', 'timer_stats', 'sched_debug', 'scsi'].map((name) => `/proc/${name}`),
        '/sys/firmware',
        '/sys/devices/virtual/powercap',
      ],
      readonlyPaths: ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger'].map((name) => `/proc/${name}`),
    },
  };
}

function mounts(rootless: boolean): object[] {
  return [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      // The group tty is not mapped where the caller alone is.
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', ...(rootless ? [] : ['gid=5'])],
    },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: [...plain, 'mode=1777', 'size=65536k'] },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: plain },
    // A sysfs of its own takes a network namespace of its own.
    rootless
      ? { destination: '/sys', type: 'none', source: '/sys', options: ['rbind', ...plain, 'ro'] }
      : { destination: '/sys', type: 'sysfs', source: 'sysfs', options: [...plain, 'ro'] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: [...plain, 'relatime', 'ro'] },
  ];
}

/** With version 2 alone, a cgroup namespace is what hides the host's tree. */
const onlyUnified = (): boolean => findHierarchies().every(({ version }) => version === 2);
