/**
 * The lab as a container's configuration: what its root may do, and what it may not. See runtime-spec config.md, user_namespaces(7).
 *
 * With a user namespace (the usual form) its root has every capability, over nothing of the machine's. Without one (`realRoot`) a
 * device list, a shorter list of capabilities and a filter that lets nothing be mounted stand between it and the machine: a mount of
 * the machine's that is read-only here could be made writable again by who may mount.
 */
import { existsSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { capabilitiesIn, capabilityNames, lastCapability, ownCapabilityMasks } from '../kernel/capability.ts';
import type { IdMapping } from '../runtime/spec.ts';
import { LabError } from './error.ts';
import { beginEnvironment, loader, unmergedDirectories } from './skeleton.ts';
import type { LabOptions } from './place.ts';

/** What the configuration is made of. */
export interface ConfigurationPlan {
  readonly name: string;
  /** The lab's directory on the machine. */
  readonly directory: string;
  readonly cgroupsPath: string;
  /** The clone of hakobune. */
  readonly clone: string;
  readonly options: LabOptions;
  /** Maps of users and of groups; undefined without a user namespace. */
  readonly maps: { readonly users: readonly IdMapping[]; readonly groups: readonly IdMapping[] } | undefined;
  /** Nobody gives this user cgroups of his own. */
  readonly withoutCgroup: boolean;
}

const path = '/opt/hako:/opt/lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Capabilities over the whole machine that no exercise is about. */
const dangerous = new Set(
  [
    'DAC_READ_SEARCH',
    'SYS_MODULE',
    'SYS_BOOT',
    'SYS_TIME',
    'SYS_RAWIO',
    'MAC_OVERRIDE',
    'MAC_ADMIN',
    'SYSLOG',
    'WAKE_ALARM',
    'BLOCK_SUSPEND',
    'AUDIT_CONTROL',
    'AUDIT_READ',
  ].map((name) => `CAP_${name}`),
);

/** Calls that no exercise without a user namespace is about: those that change mounts, find files by handles, load programs or modules. */
const barred: readonly string[] = [
  'mount',
  'umount2',
  'move_mount',
  'open_tree',
  'fsopen',
  'fsmount',
  'fsconfig',
  'fspick',
  'mount_setattr',
  'pivot_root',
  'open_by_handle_at',
  'bpf',
  'init_module',
  'finit_module',
  'delete_module',
  'kexec_load',
  'kexec_file_load',
  'reboot',
  'swapon',
  'swapoff',
];

/** Devices that the lab gets from the machine where they are there; nothing in them leads to the machine's data. */
const extraDevices = ['/dev/kvm', '/dev/net/tun', '/dev/fuse'];

const MiB = 2 ** 20;

/** What a lab may take at most: bytes, processes and threads, bytes of files. */
export type Ceilings = Required<Pick<LabOptions, 'memory' | 'pids' | 'size'>>;

/** What a lab needs to be one: with less, its shell dies. A tmpfs takes a size of 0 for no ceiling at all. */
const least: Ceilings = { memory: 16 * MiB, pids: 8, size: MiB };

/** The ceilings that are asked for, or those of every lab. @throws LabError where there is no lab beneath them */
export function ceilingsOf(options: LabOptions): Ceilings {
  const ceilings = {
    memory: options.memory ?? Math.min(2048 * MiB, Math.floor(totalmem() / 2)),
    pids: options.pids ?? 1024,
    size: options.size ?? 1024 * MiB,
  };
  if (ceilings.memory < least.memory) throw new LabError(`a lab needs ${least.memory / MiB} MiB of memory at least: give --memory a larger value`);
  if (ceilings.pids < least.pids) throw new LabError(`a lab needs ${least.pids} processes at least: give --pids-limit a larger value`);
  if (ceilings.size < least.size) throw new LabError(`a lab needs ${least.size / MiB} MiB for its files at least: give --size a larger value`);
  return ceilings;
}

/** config.json of the lab. */
export function labConfiguration(plan: ConfigurationPlan): object {
  const { options, maps, directory } = plan;
  const { memory, pids, size } = ceilingsOf(options);
  // Root of a new user namespace has all of them there, also those that nobody on this machine has.
  const { bounding } = ownCapabilityMasks();
  const capabilities = maps ? capabilityNames.slice(0, lastCapability() + 1) : capabilitiesIn(bounding).filter((name) => !dangerous.has(name));
  const plain = ['nosuid', 'noexec', 'nodev'];
  const bind = (source: string, destination: string, ...more: string[]): object => ({ destination, type: 'bind', source, options: ['rbind', ...more] });
  const types = ['mount', 'pid', 'network', 'uts', 'ipc', 'cgroup', ...(maps ? ['user'] : [])];
  return {
    ociVersion: '1.2.0',
    hostname: plan.name,
    root: { path: 'rootfs' },
    process: {
      args: [loader(), '/usr/bin/sh', '/opt/lab/begin'],
      env: [`PATH=${path}`, 'HOME=/root', 'LANG=C.UTF-8', 'HAKO_AS_BUILT=1', ...beginEnvironment()],
      cwd: '/',
      user: { uid: 0, gid: 0 },
      capabilities: { bounding: capabilities, permitted: capabilities, effective: capabilities, inheritable: [], ambient: [] },
      rlimits: [],
    },
    mounts: [
      { destination: '/', type: 'tmpfs', source: 'lab', options: [`size=${size}`, `nr_inodes=${Math.max(10_000, Math.floor(size / 4096))}`, 'mode=755'] },
      bind('/usr', '/usr', 'ro', 'nosuid'),
      ...unmergedDirectories().map((name) => bind(name, name, 'ro', 'nosuid')),
      bind(plan.clone, '/opt/hako', 'ro', 'nosuid', 'nodev'),
      bind(`${directory}/tools`, '/opt/lab', 'ro', 'nosuid', 'nodev'),
      { destination: '/proc', type: 'proc', source: 'proc', options: plain },
      // Twice: `ip netns exec` takes one away before it mounts its own, for which the kernel wants to see another (mount_too_revealing).
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: plain },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: plain },
      ...(plan.withoutCgroup ? [] : [{ destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw', ...plain] }]),
      { destination: '/dev', type: 'tmpfs', source: 'dev', options: ['nosuid', 'mode=755', 'size=1m'] },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'] },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'nodev', 'mode=1777', `size=${Math.floor(size / 8)}`] },
      { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: plain },
      ...(maps ? extraDevices.filter((device) => isCharacterDevice(device)).map((device) => ({ ...bind(device, device), options: ['bind'] })) : []),
    ],
    linux: {
      namespaces: types.map((type) => ({ type })),
      ...(maps && { uidMappings: maps.users, gidMappings: maps.groups }),
      ...(plan.withoutCgroup
        ? {}
        : {
            cgroupsPath: plan.cgroupsPath,
            resources: { memory: { limit: memory }, pids: { limit: pids }, ...(maps ? {} : { devices: labDevices }) },
          }),
      ...(maps ? {} : { seccomp: { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: barred, action: 'SCMP_ACT_ERRNO', errnoRet: 1 }] } }),
      // Nothing is masked: a procfs that is covered in part may not be mounted again in a user namespace beneath (mount_too_revealing).
      ...(maps
        ? {}
        : {
            readonlyPaths: [
              '/proc/sys/kernel',
              '/proc/sys/vm',
              '/proc/sys/fs',
              '/proc/sys/dev',
              '/proc/sys/debug',
              '/proc/sysrq-trigger',
              '/proc/irq',
              '/proc/bus',
            ],
            maskedPaths: ['/proc/kcore'],
          }),
    },
  };
}

/** Without a user namespace: the nodes that every container has, and those that an exercise lets the learner make and forbid. */
const labDevices: readonly object[] = [
  { allow: false, access: 'rwm' },
  ...['3', '5', '7', '8', '9', '11'].map((minor) => ({ allow: true, type: 'c', major: 1, minor: Number(minor), access: 'rwm' })),
];

function isCharacterDevice(path: string): boolean {
  return existsSync(path) && statSync(path).isCharacterDevice();
}
