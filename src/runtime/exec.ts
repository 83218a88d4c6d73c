/**
 * Run one more process in a container. It is a child of a monitor of its own, which enters the container's PID
 * namespace for its children; the new process enters the other namespaces by itself. See setns(2), runtime-spec "exec".
 */
import { call, result, Unknown, type Known } from '../kernel/call.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../kernel/flags.ts';
import { step, type Procedure, type Step } from '../step/step.ts';
import { unifiedDirectory, type Cgroup } from './cgroup/cgroup.ts';
import { joinSteps } from './cgroup/join.ts';
import { consoleSteps } from './console.ts';
import { confinementSteps } from './credentials.ts';
import { hostUser, readIdMaps } from './id-map.ts';
import { namespaceFlags } from './init.ts';
import { launch, makePipes } from './launch.ts';
import type { ContainerProcess } from './process.ts';
import { closeDescriptorsStep, directoryStep, execStep, privateStep, sessionStep, stdioStep } from './program-steps.ts';
import { rlimitSteps } from './rlimits.ts';
import type { ProcessSpec, SeccompSpec } from './spec.ts';

/** What is to be run, and where. */
export interface ExecPlan {
  /** Of the exec. */
  readonly id: string;
  readonly owner: string;
  readonly process: ProcessSpec;
  /** The container's first process. */
  readonly pid: number;
  /** Types of the namespaces that the container has for itself. */
  readonly namespaces: readonly string[];
  readonly cgroup: Cgroup;
  readonly seccomp?: SeccompSpec;
  readonly stdin: boolean;
}

/** Starts the process. */
export function* exec(plan: ExecPlan): Procedure<ContainerProcess> {
  const { process, pid, namespaces } = plan;
  const inUserNamespace = namespaces.includes('user');
  const container = yield* openContainer(pid);
  const cgroupFd = yield* openUnified(plan.cgroup);
  const stdio = process.terminal ? ('terminal' as const) : yield* makePipes(plan.stdin, inUserNamespace ? hostUser(readIdMaps(pid), process.user) : undefined);
  const flags = namespaces.filter((type) => type !== 'pid').reduce((all, type) => all | (namespaceFlags[type] ?? 0), 0);

  return yield* launch({
    name: plan.id,
    owner: plan.owner,
    flags: cgroupFd === undefined ? 0 : cloneFlags.CLONE_INTO_CGROUP,
    ...(cgroupFd === undefined ? {} : { cgroupFd }),
    before: namespaces.includes('pid') ? [enterStep('pid', 'Have its child enter the PID namespace', container, cloneFlags.CLONE_NEWPID, pid)] : [],
    init: (sync) => {
      const terminal = stdio === 'terminal' ? consoleSteps(sync, false, process) : undefined;
      const steps: Step<unknown>[] = [
        sessionStep(),
        privateStep(),
        // While the host's cgroup files can still be reached by their paths.
        ...joinSteps(plan.cgroup),
        ...(flags ? [enterStep('all', `Enter the ${namespaces.filter((n) => n !== 'pid').join(', ')} namespaces`, container, flags, pid)] : []),
        ...(inUserNamespace ? [becomeRootStep()] : []),
        ...(terminal?.steps ?? []),
        ...(stdio === 'terminal' ? [] : [stdioStep(stdio.child.stdin, stdio.child.stdout, stdio.child.stderr, stdio.child.pipes, process.user)]),
        directoryStep(process.cwd, process.user.umask),
        // After the last descriptor is opened: it may allow only those that there are.
        ...rlimitSteps(process.rlimits ?? []),
        closeDescriptorsStep([sync]),
        ...confinementSteps(process, plan.seccomp, { inUserNamespace }),
      ];
      return { steps, ...(terminal ? { master: terminal.master } : {}) };
    },
    exec: execStep(process.args, process.env),
    inherit: [container],
    stdio,
    shell: `nsenter -t ${pid} --all ${process.args.join(' ')}`,
  });
}

function openContainer(pid: number): Procedure<Known> {
  const open = call('pidfd_open', [pid, 0], { label: 'container' });
  return step<Known>({
    id: 'exec.container',
    what: `Take hold of the container's first process, ${pid}`,
    calls: [open],
    shell: `ls -l /proc/${pid}/ns`,
    look: `ls -l /proc/${pid}/ns`,
    finally: [call('close', [result(open)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown('CONTAINER'),
  });
}

function* openUnified(cgroup: Cgroup): Procedure<Known | undefined> {
  const directory = unifiedDirectory(cgroup);
  if (directory === undefined) return undefined;
  const open = call('openat', [AT_FDCWD, directory, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0], { label: 'cgroup' });
  return yield* step<Known>({
    id: 'cgroup.open',
    what: `Open ${directory}, for the process to be born in`,
    calls: [open],
    shell: `ls -d ${directory}`,
    look: `cat ${directory}/cgroup.procs`,
    finally: [call('close', [result(open)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown('CGROUP'),
  });
}

function enterStep(id: string, what: string, container: Known, flags: number, pid: number): Step {
  return {
    id: `namespace.enter-${id}`,
    what,
    calls: [call('setns', [container, flags])],
    shell: `nsenter -t ${pid} ${id === 'pid' ? '--pid' : '--all'}`,
    look: 'ls -l /proc/$PID/ns',
  };
}

function becomeRootStep(): Step {
  return {
    id: 'user.root',
    what: "Become the user namespace's root",
    calls: [call('setresgid', [0, 0, 0]), call('setresuid', [0, 0, 0])],
    shell: 'setpriv --reuid 0 --regid 0',
    look: 'grep -E "Uid|Gid" /proc/$PID/status',
  };
}
