/**
 * What the first process of a container does, from its birth to its program, in the one order that works. Read it
 * from top to bottom: it is what a container is. No JavaScript runs there; the steps become a table of system calls.
 */
import { call, result, Struct, type Call, type Known } from '../kernel/call.ts';
import { addressFamilies, AT_FDCWD, cloneFlags, ioctlRequests, openFlags, socketTypes } from '../kernel/flags.ts';
import type { Step } from '../step/step.ts';
import { joinSteps } from './cgroup/join.ts';
import type { CgroupMounts } from './cgroup/mounts.ts';
import type { Cgroup } from './cgroup/cgroup.ts';
import { consoleSteps } from './console.ts';
import { confinementSteps } from './credentials.ts';
import { defaultLinks, deviceSteps, linkStep, type DeviceSource } from './dev-steps.ts';
import { bindStep, makeMountPoint, maskStep, mountStep, readOnlyStep, remountReadOnlyStep } from './mount-steps.ts';
import { closeDescriptorsStep, directoryStep, privateStep, sessionStep, stdioStep } from './program-steps.ts';
import { waitForEngine } from './rendezvous.ts';
import { rlimitSteps } from './rlimits.ts';
import { attachRootStep, pivotStep, propagationStep, readOnlyRootStep } from './rootfs.ts';
import type { MountSpec, Spec } from './spec.ts';
import { sysctlSteps } from './sysctl.ts';

/** What the engine opened and decided for the new process. Descriptors keep their numbers there. */
export interface InitPlan {
  readonly spec: Spec;
  readonly cgroup: Cgroup;
  readonly cgroupMounts: CgroupMounts | undefined;
  readonly root: Known;
  /** Where the root is attached before it becomes the root: a directory of the host's. */
  readonly rootTarget: string;
  /** Detached trees for the bind mounts, by destination. */
  readonly binds: ReadonlyMap<string, Known>;
  /** Those of them that are files. */
  readonly fileBinds: ReadonlySet<string>;
  readonly devices: readonly DeviceSource[];
  /** Masked paths that exist, and which of them are directories. */
  readonly masked: readonly { readonly path: string; readonly isDirectory: boolean }[];
  readonly readOnly: readonly string[];
  /** Namespaces to join, as descriptors. */
  readonly join: readonly { readonly type: string; readonly fd: Known; readonly flag: number }[];
  readonly sync: number;
  /** The executable of a small init, where one is to be process 1. */
  readonly init?: Known | undefined;
  /** Wait for the engine after the clone: it writes the id maps, or sets up the network. */
  readonly waits: boolean;
  readonly stdio: { readonly stdin: Known; readonly stdout: Known; readonly stderr: Known; readonly pipes: readonly number[] } | 'terminal';
}

/** The steps, and the call that opens the terminal's master if there is one. */
export interface InitSteps {
  readonly steps: Step<unknown>[];
  readonly master?: Call;
}

/** The steps of a container's first process, up to and without the program. */
export function initSteps(plan: InitPlan): InitSteps {
  const { spec, root } = plan;
  const { process, linux } = spec;
  const own = (type: string): boolean => linux.namespaces.some((n) => n.type === type && n.path === undefined);
  const inUserNamespace = linux.namespaces.some((n) => n.type === 'user');
  const terminal = plan.stdio === 'terminal' ? consoleSteps(plan.sync, true, process) : undefined;
  const mounts = mountSteps(plan);
  // The procfs itself, not whatever is found at /proc by name (CVE-2025-52881).
  const procMount = mounts.find((s) => s.id === 'mount.proc')?.calls.find((c) => c.name === 'fsmount');
  const proc = procMount && result(procMount);
  const confinement = confinementSteps(process, linux.seccomp, { inUserNamespace });
  const steps: Step<unknown>[] = [
    sessionStep(),
    privateStep(),
    // By the host's procfs, and before the process is another user: who has entered a user namespace no longer owns the file.
    ...(process.oomScoreAdj === undefined ? [] : [oomScoreStep(process.oomScoreAdj)]),
    // Before the cgroup namespace: its root is where the process is when it is made. Before the id maps: the
    // cgroup files are the host root's.
    ...joinSteps(plan.cgroup),
    ...(own('cgroup') ? [unshareCgroupStep()] : []),
    ...plan.join.map(({ type, fd, flag }) => joinNamespaceStep(type, fd, flag)),
    // Attached while still the host's root: the directory is closed to everyone else.
    ...(own('mount') ? [propagationStep(linux.rootfsPropagation ?? 'private')] : []),
    attachRootStep(root, plan.rootTarget),
    ...(plan.waits ? [waitForEngine(plan.sync, 'Wait for the engine: it writes the id maps and connects the network')] : []),
    ...(inUserNamespace ? [becomeRootStep()] : []),
    ...mounts,
    ...(own('uts') ? hostnameSteps(spec) : []),
    ...(own('network') ? [loopbackStep()] : []),
    ...(proc ? sysctlSteps(linux.sysctl ?? {}, proc) : []),
    // /proc/sys is made read-only only after the sysctls are written.
    ...plan.masked.map(({ path, isDirectory }) => maskStep(root, path, isDirectory)),
    ...plan.readOnly.map((path) => readOnlyStep(root, path)),
    pivotStep(root),
    ...(terminal?.steps ?? []),
    ...(spec.root.readonly ? [readOnlyRootStep(root)] : []),
    ...(plan.stdio === 'terminal' ? [] : [stdioStep(plan.stdio.stdin, plan.stdio.stdout, plan.stdio.stderr, plan.stdio.pipes, process.user)]),
    directoryStep(process.cwd, process.user.umask),
    // After the last descriptor is opened: it may allow only those that there are.
    ...rlimitSteps(process.rlimits ?? []),
    closeDescriptorsStep([plan.sync, ...(plan.init === undefined ? [] : [plan.init])]),
    ...confinement,
  ];
  return { steps, ...(terminal ? { master: terminal.master } : {}) };
}

/** The namespaces' clone flags. */
export const namespaceFlags: Readonly<Record<string, number>> = {
  mount: cloneFlags.CLONE_NEWNS,
  uts: cloneFlags.CLONE_NEWUTS,
  ipc: cloneFlags.CLONE_NEWIPC,
  pid: cloneFlags.CLONE_NEWPID,
  network: cloneFlags.CLONE_NEWNET,
  user: cloneFlags.CLONE_NEWUSER,
  cgroup: cloneFlags.CLONE_NEWCGROUP,
  time: cloneFlags.CLONE_NEWTIME,
};

/** `lo` is down in a new network namespace. struct ifreq: 16 bytes of name, then the flags. See netdevice(7). */
function loopbackStep(): Step {
  const request = new Uint8Array(40);
  request.set(Buffer.from('lo'));
  const IFF_UP = 1;
  request[16] = IFF_UP;
  const socket = call('socket', [addressFamilies.AF_INET, socketTypes.SOCK_DGRAM | socketTypes.SOCK_CLOEXEC, 0], { label: 'socket' });
  return {
    id: 'network.loopback',
    what: 'Bring the loopback interface up',
    calls: [socket, call('ioctl', [result(socket), ioctlRequests.SIOCSIFFLAGS, new Struct('{ifr_name="lo", ifr_flags=IFF_UP}', request)])],
    shell: 'ip link set lo up',
    look: 'nsenter -t $PID -n ip link show lo',
  };
}

function unshareCgroupStep(): Step {
  return {
    id: 'namespace.cgroup',
    what: 'Take the cgroup it is in as the root of what it sees',
    calls: [call('unshare', [cloneFlags.CLONE_NEWCGROUP])],
    shell: 'unshare --cgroup',
    look: 'cat /proc/$PID/cgroup; readlink /proc/$PID/ns/cgroup',
  };
}

/** Enters a namespace that is there already, by descriptor. */
export function joinNamespaceStep(type: string, fd: Known, flag: number): Step {
  return {
    id: `namespace.${type}`,
    what: `Enter the ${type} namespace that is prepared for it`,
    calls: [call('setns', [fd, flag])],
    shell: `nsenter --${type === 'network' ? 'net' : type}=/proc/self/fd/${fd}`,
    look: `readlink /proc/$PID/ns/${type === 'network' ? 'net' : type}`,
  };
}

function becomeRootStep(): Step {
  return {
    id: 'user.root',
    what: "Become the user namespace's root",
    calls: [call('setresgid', [0, 0, 0]), call('setresuid', [0, 0, 0]), call('setgroups', [0, null])],
    shell: 'setpriv --reuid 0 --regid 0 --clear-groups',
    look: 'grep -E "Uid|Gid" /proc/$PID/status; cat /proc/$PID/uid_map',
  };
}

function hostnameSteps(spec: Spec): Step[] {
  const set = (name: 'sethostname' | 'setdomainname', id: string, value: string): Step => ({
    id,
    what: `Be called ${value}`,
    calls: [call(name, [value, Buffer.byteLength(value)])],
    shell: id === 'uts.hostname' ? `hostname ${value}` : `domainname ${value}`,
    look: 'nsenter -t $PID -u uname -n',
  });
  return [
    ...(spec.hostname ? [set('sethostname', 'uts.hostname', spec.hostname)] : []),
    ...(spec.domainname ? [set('setdomainname', 'uts.domainname', spec.domainname)] : []),
  ];
}

function oomScoreStep(score: number): Step {
  const open = call('openat', [AT_FDCWD, '/proc/self/oom_score_adj', openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'score' });
  const text = String(score);
  return {
    id: 'process.oom-score',
    what: `Be ${score > 0 ? 'an earlier' : 'a later'} victim when memory runs out (${score})`,
    calls: [open, call('write', [result(open), Buffer.from(text), text.length])],
    shell: `echo ${score} > /proc/self/oom_score_adj`,
    look: 'cat /proc/$PID/oom_score_adj',
  };
}

/** Every mount of the configuration, in its order; /dev gets its devices and links as soon as it is there. */
function mountSteps(plan: InitPlan): Step[] {
  const { spec, root } = plan;
  const steps: Step[] = [];
  const made: string[] = [];
  const inUserNamespace = spec.linux.namespaces.some((n) => n.type === 'user');
  for (const mount of spec.mounts) {
    if (mount.type === 'cgroup') {
      steps.push(...cgroupSteps(plan));
      made.push(mount.destination);
      continue;
    }
    const source = plan.binds.get(mount.destination);
    const missing = missingMountPoint(root, mount, made, source !== undefined && plan.fileBinds.has(mount.destination), inUserNamespace);
    steps.push(source === undefined ? mountStep(root, mount, missing) : bindStep(root, mount, source, missing));
    made.push(mount.destination);
    if (mount.destination === '/dev' && source === undefined) steps.push(...deviceSteps(root, plan.devices), linkStep(root, defaultLinks));
  }
  return steps;
}

/** The calls that make a mount point inside a mount of ours; in the image's own directories the engine has made it before. */
function missingMountPoint(root: Known, mount: MountSpec, made: readonly string[], isFile: boolean, inUserNamespace: boolean): Call[] {
  const above = made.filter((path) => mount.destination.startsWith(`${path}/`)).sort((a, b) => b.length - a.length)[0];
  if (above === undefined) return inUserNamespace ? makeMountPoint(root, mount.destination, '/', isFile) : [];
  return makeMountPoint(root, mount.destination, above, isFile);
}

function cgroupSteps(plan: InitPlan): Step[] {
  const { root, cgroupMounts } = plan;
  if (!cgroupMounts) return [];
  const [first, ...rest] = cgroupMounts.mounts;
  return [
    ...(first ? [mountStep(root, first)] : []),
    ...rest.map((mount) => mountStep(root, mount, makeMountPoint(root, mount.destination, first!.destination, false))),
    ...(cgroupMounts.links.length ? [linkStep(root, cgroupMounts.links)] : []),
    ...(cgroupMounts.thenReadOnly ? [remountReadOnlyStep(root, cgroupMounts.thenReadOnly)] : []),
  ];
}
