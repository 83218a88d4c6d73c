/**
 * What the first process of a container does, from its birth to its program, in the one order that works. Read it
 * from top to bottom: it is what a container is. No JavaScript runs there; the steps become a table of system calls.
 */
import { call, result, Struct, type Call, type Known } from '../kernel/call.ts';
import { addressFamilies, cloneFlags, ioctlRequests, socketTypes } from '../kernel/flags.ts';
import { IFF_UP, interfaceFlagsAt, interfaceRequest } from '../kernel/interface-request.ts';
import { namespaceKinds } from '../kernel/namespace.ts';
import { word } from '../step/shell.ts';
import type { Step } from '../step/step.ts';
import { joinSteps } from './cgroup/join.ts';
import type { Cgroup } from './cgroup/cgroup.ts';
import { consoleSteps, openedForTerminal } from './console.ts';
import { maskStep, readOnlyStep } from './rootfs/cover-steps.ts';
import { confinementSteps, listenerOf } from './credentials.ts';
import { becomeRootStep } from './id-map.ts';
import { keyringStep } from './keyring.ts';
import { judged, limited, loopbackUp, masked, named, pivoted, propagating, readOnly, sysctlIs } from './init-goals.ts';
import { closeDescriptorsStep, preserveStep, privateStep, sessionStep, stdioStep } from './program-steps.ts';
import { startGateStep, waitForEngine, waitForSupervisor } from './rendezvous-steps.ts';
import { oomScoreStep } from './oom-score.ts';
import { personalityStep } from './personality.ts';
import { rlimitSteps } from './rlimits.ts';
import { rootDirectoryStep } from './rootfs/root-directory.ts';
import {
  attachRootStep,
  chrootStep,
  cutOff,
  isolateRootStep,
  moveRootStep,
  pivotStep,
  propagationStep,
  readOnlyRootStep,
  rootPropagationStep,
} from './rootfs/root-steps.ts';
import { ioPriorityStep, schedulerStep } from './scheduling.ts';
import { labelSteps } from './security-labels.ts';
import type { Spec } from './spec.ts';
import { sysctlSteps } from './sysctl.ts';
import { treeSteps } from './rootfs/tree-steps.ts';
import type { Tree } from './rootfs/tree.ts';
import { directoryStep, makeDirectoryStep } from './work-directory.ts';

/** What the engine opened and decided for the new process. Descriptors keep their numbers there. */
export interface InitPlan {
  readonly spec: Spec;
  readonly cgroup: Cgroup;
  readonly root: Known;
  /** Where the root is attached before it becomes the root: a directory of the host's. */
  readonly rootTarget: string;
  /** It is a directory of the caller's, in a mount that may be shared with the host. */
  readonly rootIsDirectory: boolean;
  /** It takes the copy of that directory itself, since its maker may not. */
  readonly takesRoot: boolean;
  /** It is born in the directory where the root is attached. */
  readonly bornInPlace: boolean;
  /** It is moved over the host's root, where pivot_root(2) is refused. */
  readonly noPivot: boolean;
  readonly tree: Tree;
  /** Namespaces to join, as descriptors. */
  readonly join: readonly { readonly type: string; readonly fd: Known; readonly flag: number }[];
  readonly sync: number;
  /** It begins a session keyring, and does not keep the one that it has. */
  readonly keyring: boolean;
  /** The executable of a small init, where one is to be process 1. */
  readonly init?: Known | undefined;
  /** It looks for its program before all that it waits for, and ends where there is none. */
  readonly findsProgram?: boolean | undefined;
  /** Its filter hands calls over: it waits for the listener to be taken. */
  readonly supervised?: boolean | undefined;
  /** Wait for the engine after the clone: it writes the id maps, or sets up the network. */
  readonly waits: boolean;
  /** Wait once more before the root is changed: hooks are run then. */
  readonly waitsBeforePivot: boolean;
  /** A FIFO for which it waits before it becomes its program. */
  readonly gate: Known | undefined;
  /** Descriptors that the program is to have as its third and following ones. */
  readonly preserve: readonly Known[];
  /**
   * When it closes itself to others: at once; or late, when the caller has done what it does for it and has no power to do otherwise;
   * never, where the caller still has hooks to run in it.
   */
  readonly private: 'early' | 'late' | 'never';
  /** Its caller has no power to look into it when it is closed. */
  readonly weakCaller: boolean;
  /** In its user namespace nobody may set groups. */
  readonly groupsDenied: boolean;
  readonly stdio:
    | { readonly stdin: Known; readonly stdout: Known; readonly stderr: Known; readonly pipes: readonly number[]; readonly lent?: boolean }
    | 'terminal';
}

/** The steps, and the call that opens the terminal's master if there is one. */
export interface InitSteps {
  readonly steps: Step<unknown>[];
  readonly master?: Call;
  /** The call that loads a filter whose listener is to be taken. */
  readonly listener?: Call;
}

/** The steps of a container's first process, up to and without the program. */
export function initSteps(plan: InitPlan): InitSteps {
  const { spec, tree } = plan;
  const { process, linux } = spec;
  const own = (type: string): boolean => linux.namespaces.some((n) => n.type === type && n.path === undefined);
  const shared = (type: string): boolean => !linux.namespaces.some((n) => n.type === type);
  const inUserNamespace = !shared('user');
  // Who hands over a directory of theirs may mount something in it later.
  const rootPropagation = linux.rootfsPropagation ?? (plan.rootIsDirectory ? 'slave' : 'private');
  const afterwards = rootPropagationStep(linux.rootfsPropagation);
  const terminal = plan.stdio === 'terminal' ? consoleSteps(plan.sync, true, process) : undefined;
  const taking = plan.takesRoot ? rootDirectoryStep(plan.rootTarget) : undefined;
  const attached = taking ? result(taking.calls[0]!) : plan.root;
  const { steps: mounts, last, root, proc } = treeSteps({ ...plan, root: attached });
  const confinement = confinementSteps(process, linux.seccomp, {
    inUserNamespace: inUserNamespace || plan.groupsDenied,
    findsProgram: plan.findsProgram,
    filtered: plan.supervised ? waitForSupervisor(plan.sync) : undefined,
  });
  const steps: Step<unknown>[] = [
    sessionStep(),
    ...(plan.private === 'early' ? [privateStep()] : []),
    ...(plan.keyring ? [keyringStep()] : []),
    // By the host's procfs, and before the process is another user: who has entered a user namespace no longer owns the file.
    ...(process.oomScoreAdj === undefined ? [] : [oomScoreStep(process.oomScoreAdj)]),
    // By the host's procfs, too.
    ...labelSteps(process),
    // Before the cgroup namespace: its root is where the process is when it is made. Before the id maps: the
    // cgroup files are the host root's.
    ...joinSteps(plan.cgroup),
    ...(own('cgroup') ? [unshareCgroupStep()] : []),
    ...plan.join.map(({ type, fd, flag }) => joinNamespaceStep(type, fd, flag)),
    // Attached while still the host's root: the directory is closed to everyone else.
    ...(own('mount') ? [propagation(rootPropagation, inUserNamespace)] : []),
    ...(taking ? [taking] : []),
    ...(plan.rootIsDirectory ? [isolateRootStep(attached, rootPropagation)] : []),
    ...(shared('mount') ? [] : [attachRootStep(attached, plan.bornInPlace ? undefined : plan.rootTarget, inUserNamespace)]),
    ...(plan.waits ? [waitForEngine(plan.sync, 'Wait for the engine: it writes the id maps and connects the network')] : []),
    ...(inUserNamespace ? [becomeRootStep(plan.groupsDenied)] : []),
    ...mounts,
    ...hostnameSteps(spec),
    ...(own('network') ? [judged(loopbackStep(), loopbackUp())] : []),
    ...sysctlSteps(linux.sysctl ?? {}, proc).map((s, i) => judged(s, sysctlIs(...Object.entries(linux.sysctl!)[i]!))),
    // /proc/sys is made read-only only after the sysctls are written.
    ...tree.masked.map(({ path, isDirectory }) => judged(maskStep(root, path, isDirectory), masked(plan.rootTarget, path, isDirectory))),
    ...tree.readOnly.map((path) => judged(readOnlyStep(root, path), readOnly(plan.rootTarget, path))),
    ...(plan.waitsBeforePivot ? [waitForEngine(plan.sync, 'Wait for the hooks that are run before the root is changed')] : []),
    ...enterRoot(),
    ...(terminal ? (plan.weakCaller && plan.private === 'early' ? openedForTerminal(terminal) : terminal.steps) : []),
    // What is in the image's own directories is there already, where the engine could make it (prepare.ts).
    ...(makesDirectory(spec, inUserNamespace) ? [makeDirectoryStep(process.cwd)] : []),
    ...last,
    ...(spec.root.readonly ? [judged(readOnlyRootStep(root), readOnly('', '/'))] : []),
    ...(plan.stdio === 'terminal' ? [] : [stdioStep(plan.stdio.stdin, plan.stdio.stdout, plan.stdio.stderr, plan.stdio.pipes, process.user, plan.stdio.lent)]),
    directoryStep(process.cwd, process.user.umask, plan.findsProgram ? process.user : undefined),
    // After the last descriptor is opened: it may allow only those that there are.
    ...rlimitSteps(process.rlimits ?? []).map((s, i) => judged(s, limited(process.rlimits![i]!))),
    ...(process.scheduler ? [schedulerStep(process.scheduler)] : []),
    ...(process.ioPriority ? [ioPriorityStep(process.ioPriority)] : []),
    ...(plan.preserve.length ? [preserveStep(plan.preserve)] : []),
    closeDescriptorsStep([plan.sync, ...[plan.init, plan.gate].filter((fd) => fd !== undefined)], plan.preserve.length),
    // A filter may leave it to no program to choose one.
    ...(linux.personality ? [personalityStep(linux.personality)] : []),
    ...(plan.private === 'late' ? [privateStep()] : []),
    ...confinement,
    ...(plan.gate === undefined ? [] : [startGateStep(plan.sync, plan.gate)]),
  ];
  return { steps, ...(terminal ? { master: terminal.master } : {}), ...(plan.supervised ? { listener: listenerOf(confinement) } : {}) };

  function enterRoot(): Step[] {
    const binds = tree.mounts.filter(({ kind }) => kind === 'bind').map(({ mount }) => mount.destination);
    const enter = plan.noPivot
      ? moveRootStep(root, plan.rootTarget, inUserNamespace)
      : own('mount')
        ? judged(pivotStep(root), pivoted(binds))
        : chrootStep(root);
    return [enter, ...(afterwards && !shared('mount') ? [afterwards] : [])];
  }
}

/** Whether the working directory is the process's to make. */
function makesDirectory({ process: { cwd }, mounts }: Spec, inUserNamespace: boolean): boolean {
  return cwd !== '/' && (inUserNamespace || mounts.some(({ destination }) => `${cwd}/`.startsWith(`${destination.replace(/\/$/, '')}/`)));
}

function propagation(mode: Parameters<typeof propagationStep>[0], inUserNamespace: boolean): Step {
  const done = cutOff(mode);
  const taken = judged(propagationStep(mode), propagating(done));
  // mount(8) refuses whoever has no id yet.
  return inUserNamespace ? { ...taken, shell: `# By the unshare that makes the process: --propagation ${done}` } : taken;
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
  const request = interfaceRequest('lo');
  request[interfaceFlagsAt] = IFF_UP;
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
    shell: 'set -- "$@" unshare --cgroup',
    look: 'cat /proc/$PID/cgroup; readlink /proc/$PID/ns/cgroup',
  };
}

/** Enters a namespace that is there already, by descriptor. */
export function joinNamespaceStep(type: string, fd: Known, flag: number): Step {
  const { type: file, option } = namespaceKinds.find((kind) => kind.flag === flag)!;
  return {
    id: `namespace.${type}`,
    what: `Enter the ${type} namespace that is prepared for it`,
    calls: [call('setns', [fd, flag])],
    shell: `set -- "$@" nsenter --${option}="$NS_${type.toUpperCase()}"`,
    look: `readlink /proc/$PID/ns/${file}`,
  };
}

function hostnameSteps(spec: Spec): Step[] {
  // The files of /proc/sys are the host's root's.
  const inUserNamespace = spec.linux.namespaces.some((n) => n.type === 'user');
  const set = (name: 'sethostname' | 'setdomainname', id: string, value: string): Step => ({
    id,
    what: `Be called ${value}`,
    calls: [call(name, [value, Buffer.byteLength(value)])],
    goal: named(id === 'uts.hostname' ? 'hostname' : 'domainname', value),
    get shell() {
      return inUserNamespace
        ? `${id === 'uts.hostname' ? 'hostname' : 'domainname'} ${word(value)}`
        : `printf %s ${word(value)} >/proc/sys/kernel/${id.slice(4)}`;
    },
    look: 'nsenter -t $PID -u uname -n',
  });
  return [
    ...(spec.hostname ? [set('sethostname', 'uts.hostname', spec.hostname)] : []),
    ...(spec.domainname ? [set('setdomainname', 'uts.domainname', spec.domainname)] : []),
  ];
}
