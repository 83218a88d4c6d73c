/**
 * What is done before one more process is run in a container, and what that process does: the part that the engine's exec and an OCI
 * runtime's have in common. Its parent enters the container's PID namespace for its children; the process enters the other namespaces
 * by itself. See setns(2), runtime-spec "exec".
 */
import { call, result, Unknown, type Call, type Known } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { cloneFlags } from '../kernel/flags.ts';
import { groupsDenied } from '../kernel/user-namespace.ts';
import { openProcess, type ProcessIdentity } from '../kernel/process.ts';
import { words } from '../step/shell.ts';
import { step, type Procedure, type Step } from '../step/step.ts';
import type { Cgroup } from './cgroup/cgroup.ts';
import { joinSteps, openCgroup } from './cgroup/join.ts';
import { consoleSteps, openedForTerminal } from './console.ts';
import { confinementSteps, listenerOf } from './credentials.ts';
import { becomeRootStep, hostUser, readIdMaps } from './id-map.ts';
import { namespaceFlags, type InitPlan } from './init.ts';
import { keyringStep } from './keyring.ts';
import { closeDescriptorsStep, execStep, openToMakerStep, preserveStep, privateStep, sessionStep, stdioStep } from './program-steps.ts';
import { waitForEngine, waitForSupervisor } from './rendezvous-steps.ts';
import { oomScoreStep } from './oom-score.ts';
import { personalityStep } from './personality.ts';
import { inheritedLimits, rlimitSteps } from './rlimits.ts';
import { mayMount } from './taking.ts';
import { affinityStep, ioPriorityStep, schedulerStep } from './scheduling.ts';
import { notifies, type Supervisor } from './seccomp/listener.ts';
import { labelSteps } from './security-labels.ts';
import type { Personality, ProcessSpec, SeccompSpec } from './spec.ts';
import { directoryStep } from './work-directory.ts';

/** What is to be run, and where. */
export interface ExecPreparation {
  readonly process: ProcessSpec;
  /** The container's first process: its id, or what tells it from another with the same. */
  readonly container: number | ProcessIdentity;
  /** Types of the namespaces that the container has for itself. */
  readonly namespaces: readonly string[];
  readonly cgroup: Cgroup;
  readonly seccomp?: SeccompSpec | undefined;
  readonly personality?: Personality | undefined;
  /** Is given the listener of the filter, where that hands calls over. */
  readonly supervisor?: Supervisor | undefined;
  /** Gives the standard streams. @param owner whose they are to be, in the host's ids, where the process cannot take them itself */
  readonly takeStreams: (owner: { readonly uid: number; readonly gid: number } | undefined) => Procedure<InitPlan['stdio']>;
  /** It begins a session keyring, and does not keep the one that it has. */
  readonly keyring: boolean;
  /** Have the process look for its program first. */
  readonly findsProgram?: boolean | undefined;
  /** Done while the process waits, just before its confinement: it may be traced from there on. Not with a terminal. */
  readonly whileWaiting?: ((pid: Known) => Procedure) | undefined;
  /** In the container's user namespace nobody may set groups. */
  readonly groupsDenied?: boolean | undefined;
  /** Descriptors that the program is to have as its third and following ones. */
  readonly preserve?: readonly Known[] | undefined;
}

/** Everything but the launch. */
export interface PreparedExec {
  readonly flags: number;
  readonly cgroupFd?: Known;
  readonly before: readonly Step<unknown>[];
  readonly init: (sync: number) => { readonly steps: readonly Step<unknown>[]; readonly master?: Call; readonly listener?: Call };
  readonly supervisor: Supervisor | undefined;
  readonly exec: Step<unknown>;
  readonly inherit: readonly Known[];
  readonly stdio: InitPlan['stdio'];
  readonly whileWaiting: readonly ((pid: Known) => Procedure)[];
  readonly shell: string;
}

/** Does what comes before the clone. */
export function* prepareExec(plan: ExecPreparation): Procedure<PreparedExec> {
  const { process, namespaces, preserve = [] } = plan;
  const pid = typeof plan.container === 'number' ? plan.container : plan.container.pid;
  const inUserNamespace = namespaces.includes('user');
  // Who may not look into a process that has closed itself must be let in to take something from it.
  const isPowerful = mayMount();
  // By the host's procfs, where the files of who has closed itself are root's: else the parent writes its own, and the child inherits.
  const ownFiles = [...(process.oomScoreAdj === undefined ? [] : [oomScoreStep(process.oomScoreAdj)]), ...labelSteps(process)];
  const container = yield* openContainer(plan.container);
  const cgroupFd = yield* openCgroup(plan.cgroup);
  const stdio = yield* plan.takeStreams(inUserNamespace ? hostUser(readIdMaps(pid), process.user) : undefined);
  const early = entersEarly(namespaces);
  const late = namespaces.filter((type) => !early.includes(type));
  const flags = flagsOf(late);
  const groups = plan.groupsDenied ?? groupsDenied();
  const supervisor = notifies(plan.seccomp) ? plan.supervisor : undefined;
  return {
    flags: cgroupFd === undefined ? 0 : cloneFlags.CLONE_INTO_CGROUP,
    ...(cgroupFd === undefined ? {} : { cgroupFd }),
    before: [
      ...(inUserNamespace ? rlimitSteps(inheritedLimits(process.rlimits ?? [])) : []),
      // Already before it is in the cgroup, where the clone puts it.
      ...(process.execCPUAffinity?.initial ? [affinityStep(process.execCPUAffinity.initial)] : []),
      ...(isPowerful ? [] : ownFiles),
      ...enterEarly(early, container, pid),
      // Born closed: in the container's PID namespace others see it from its first moment on.
      ...(isPowerful ? [] : [privateStep()]),
    ],
    init: (sync) => {
      const terminal = stdio === 'terminal' ? consoleSteps(sync, false, process) : undefined;
      const confinement = confinementSteps(process, plan.seccomp, {
        inUserNamespace: inUserNamespace || groups,
        findsProgram: plan.findsProgram,
        filtered: supervisor && waitForSupervisor(sync),
      });
      const steps: Step<unknown>[] = [
        sessionStep(),
        ...(isPowerful ? [privateStep()] : []),
        ...(plan.keyring ? [keyringStep()] : []),
        ...(isPowerful ? ownFiles : []),
        // While the host's cgroup files can still be reached by their paths.
        ...joinSteps(plan.cgroup),
        // A cgroup that is entered says anew on which processors.
        ...(process.execCPUAffinity?.final ? [affinityStep(process.execCPUAffinity.final)] : []),
        // While it has the rights of the host: a user namespace gives none to a realtime priority.
        ...(process.scheduler ? [schedulerStep(process.scheduler)] : []),
        ...(process.ioPriority ? [ioPriorityStep(process.ioPriority)] : []),
        ...(flags ? [enterStep('all', `Enter the ${late.join(', ')} namespaces`, container, flags, pid)] : []),
        ...(inUserNamespace ? [becomeRootStep(groups)] : []),
        ...(terminal ? (isPowerful ? terminal.steps : openedForTerminal(terminal)) : []),
        ...(stdio === 'terminal' ? [] : [stdioStep(stdio.stdin, stdio.stdout, stdio.stderr, stdio.pipes, process.user, stdio.lent)]),
        directoryStep(process.cwd, process.user.umask, plan.findsProgram ? process.user : undefined),
        // After the last descriptor is opened: it may allow only those that there are.
        ...rlimitSteps(process.rlimits ?? []),
        ...(preserve.length ? [preserveStep(preserve)] : []),
        closeDescriptorsStep([sync], preserve.length),
        ...(plan.whileWaiting ? [waitForEngine(sync, 'Wait for the engine: it has somebody watch')] : []),
        ...(!isPowerful && supervisor ? [openToMakerStep()] : []),
        ...(plan.personality ? [personalityStep(plan.personality)] : []),
        ...confinement,
      ];
      return { steps, ...(terminal ? { master: terminal.master } : {}), ...(supervisor ? { listener: listenerOf(confinement) } : {}) };
    },
    supervisor,
    exec: execStep(process.args, process.env),
    inherit: [container, ...preserve],
    stdio,
    whileWaiting: plan.whileWaiting ? [plan.whileWaiting] : [],
    shell: `nsenter -t ${pid} --all ${words(process.args)}`,
  };
}

/**
 * The namespaces that the parent enters: of a PID namespace only its children are. Who has no power over the machine has it in the
 * container's user namespace alone, and must be there first.
 */
export const entersEarly = (namespaces: readonly string[]): readonly string[] =>
  ['user', 'pid'].filter((type) => namespaces.includes(type) && (type === 'pid' || !mayMount()));

/** The parent's step that enters them, if there are any. */
export function enterEarly(types: readonly string[], container: Known, pid: Known): Step[] {
  if (types.length === 0) return [];
  const flags = flagsOf(types);
  if (!types.includes('pid')) return [enterStep('all', 'Enter the user namespace', container, flags, pid)];
  return [
    enterStep(
      'pid',
      `Have its child enter the PID namespace${types.length > 1 ? ', and enter the user namespace that it belongs to' : ''}`,
      container,
      flags,
      pid,
    ),
  ];
}

/** Their clone flags together. */
export const flagsOf = (types: readonly string[]): number => types.reduce((all, type) => all | (namespaceFlags[type] ?? 0), 0);

/** Takes hold of the first process of a container, until the procedure ends. */
export function openContainer(container: Known | ProcessIdentity): Procedure<Known> {
  const identity = typeof container === 'object' && 'startTime' in container ? container : undefined;
  const pid = identity ? identity.pid : (container as Known);
  const open = call('pidfd_open', [pid, 0], {
    label: 'container',
    ...(identity ? { perform: () => openProcess(identity) ?? -errno.ESRCH } : {}),
  });
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

/** Enters namespaces of a process, all that the flags name at once. @param container its pidfd */
export function enterStep(id: string, what: string, container: Known, flags: number, pid: Known): Step {
  return {
    id: `namespace.enter-${id}`,
    what,
    calls: [call('setns', [container, flags])],
    shell: `nsenter -t ${pid} ${id === 'pid' ? '--pid' : '--all'}`,
    look: 'ls -l /proc/$PID/ns',
  };
}
