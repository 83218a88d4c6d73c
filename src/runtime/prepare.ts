/**
 * What is done for a container before its first process is cloned, and what that process is to do: the part that starting a container
 * in the engine (start.ts) and creating one for an OCI caller (create.ts) have in common. It reads as the shell script that it
 * replaces: a cgroup with limits, the root, the mount points, the network.
 */
import { call, type Known } from '../kernel/call.ts';
import { AT_FDCWD, cloneFlags, openFlags } from '../kernel/flags.ts';
import { groupsDenied } from '../kernel/user-namespace.ts';
import { word } from '../step/shell.ts';
import { step, type Procedure, type Step } from '../step/step.ts';
import type { Cgroup } from './cgroup/cgroup.ts';
import { openCgroup } from './cgroup/join.ts';
import { outOfMemoryWatch } from './cgroup/out-of-memory.ts';
import { hostUser, idMapNamespace } from './id-map.ts';
import { initSteps, joinNamespaceStep, namespaceFlags, type InitPlan, type InitSteps } from './init.ts';
import { privateStep } from './program-steps.ts';
import { inheritedLimits, rlimitSteps } from './rlimits.ts';
import { rootPlaceStep } from './rootfs/root-steps.ts';
import { notifies, type Supervisor } from './seccomp/listener.ts';
import { labelSteps } from './security-labels.ts';
import type { Spec } from './spec.ts';
import { deniesGroups, writeMaps } from './subordinate-ids.ts';
import { monotonicOffset, timeOffsetsStep } from './time.ts';
import { mayMount, opening } from './taking.ts';
import { prepareTree } from './rootfs/tree.ts';

/** A container to be made. */
export interface Preparation {
  readonly spec: Spec;
  /** Makes the cgroup, with its limits. */
  readonly makeCgroup: () => Procedure<PreparedCgroup>;
  /** Gives the root, attached nowhere. @param idMap a user namespace with the container's maps, where files are to be seen through them */
  readonly takeRoot: (idMap: Known | undefined) => Procedure<Known>;
  /** Where the root is attached before it becomes the root: a directory of the host's. */
  readonly rootTarget: string;
  /** Gives the standard streams. @param owner whose they are to be, in the host's ids, where the process cannot take them itself */
  readonly takeStreams: (owner: { readonly uid: number; readonly gid: number } | undefined) => Procedure<InitPlan['stdio']>;
  /** Gives the executable of a small init that is to run the program. */
  readonly takeInit?: (() => Procedure<Known>) | undefined;
  /** Prepares a network namespace and gives its descriptor; absent where none is to be joined. */
  readonly network?: (() => Procedure<Known>) | undefined;
  /** Sets up the network of a namespace that the process made (with its user namespace), by the process's id. */
  readonly connect?: ((pid: Known) => Procedure) | undefined;
  /** Done while the process stands before it changes its root: hooks. */
  readonly beforePivot?: ((pid: Known) => Procedure) | undefined;
  /** Destinations of bind mounts whose files are seen through the id maps, in a user namespace; absent: the root's neither. */
  readonly idMapped?: ReadonlySet<string> | undefined;
  /** Sources of mounts that are files made for the start: an explanation comes before they are written. */
  readonly files?: readonly string[] | undefined;
  /** The root is a directory of the caller's, and where it lies: relative sources of bind mounts are relative to that. */
  readonly bundle?: string | undefined;
  /** The root is moved over the host's, where pivot_root(2) is refused. */
  readonly noPivot?: boolean | undefined;
  /** The process begins a session keyring, and does not keep the one that it has. */
  readonly keyring: boolean;
  /** Hooks are to be run in its namespaces when it is created. */
  readonly hooksInside?: boolean | undefined;
  /** Have the process look for its program while the start can still be refused, and not only when it becomes it. */
  readonly findsProgram?: boolean | undefined;
  /** Is given the listener of its filter, where that hands calls over. */
  readonly supervisor?: Supervisor | undefined;
  /** A FIFO for which the process waits before it becomes its program. */
  readonly gate?: Known | undefined;
  /** Descriptors that the program is to have as its third and following ones. */
  readonly preserve?: readonly Known[] | undefined;
}

/** A cgroup, and what of the limits the machine cannot give. */
export interface PreparedCgroup {
  readonly cgroup: Cgroup;
  readonly warnings: readonly string[];
}

/** A container for which everything is ready but its process. */
export interface Prepared extends PreparedCgroup {
  /** Flags of the process's clone. */
  readonly flags: number;
  readonly cgroupFd: Known | undefined;
  /** Done by the process that clones it. */
  readonly before: readonly Step<unknown>[];
  /** Builds the process's steps, given its end of the rendezvous socket. */
  readonly init: (sync: number) => InitSteps;
  readonly supervisor: Supervisor | undefined;
  readonly takenInit: Known | undefined;
  readonly inherit: readonly Known[];
  readonly stdio: InitPlan['stdio'];
  readonly shell: string;
  /** What is done for the process each time it waits, in this order. */
  readonly whileWaiting: readonly ((pid: Known) => Procedure)[];
  readonly clockAhead: bigint;
  readonly outOfMemory: (() => string | undefined) | undefined;
}

/** Does everything up to the clone. */
export function* prepare(plan: Preparation): Procedure<Prepared> {
  const { spec } = plan;
  const { linux } = spec;
  const { cgroup, warnings } = yield* plan.makeCgroup();

  const inUserNamespace = linux.namespaces.some((n) => n.type === 'user');
  const idMap = inUserNamespace && plan.idMapped ? yield* idMapNamespace(linux) : undefined;
  const ourselves = mayMount();
  const root = yield* plan.takeRoot(idMap);
  const tree = yield* prepareTree(root, { ...plan, cgroup, idMap, mayMount: ourselves, modesOfImage: plan.bundle !== undefined });

  const namespaces = linux.namespaces.filter((n) => n.path === undefined);
  const joined = yield* openNamespaces(spec);
  if (plan.network) joined.push({ type: 'network', fd: yield* plan.network(), flag: cloneFlags.CLONE_NEWNET });
  const cgroupFd = yield* openCgroup(cgroup);

  const stdio = yield* plan.takeStreams(inUserNamespace ? hostUser(linux, spec.process.user) : undefined);
  const makesUser = namespaces.some((n) => n.type === 'user');
  const takenInit = plan.takeInit ? yield* plan.takeInit() : undefined;
  const { before, inside } = joins(joined);
  const bornInPlace = plan.bundle !== undefined && inUserNamespace && namespaces.some((n) => n.type === 'mount');
  const supervisor = notifies(linux.seccomp) ? plan.supervisor : undefined;
  const privacy = ourselves ? 'early' : privacyUnderWeak(plan, makesUser, supervisor !== undefined);
  const init = (sync: number): InitSteps =>
    initSteps({
      spec,
      cgroup,
      root,
      rootIsDirectory: plan.bundle !== undefined,
      takesRoot: plan.bundle !== undefined && !ourselves,
      bornInPlace,
      noPivot: plan.noPivot ?? false,
      tree,
      sync,
      keyring: plan.keyring,
      init: takenInit,
      findsProgram: plan.findsProgram,
      supervised: supervisor !== undefined,
      waits: makesUser || plan.connect !== undefined,
      waitsBeforePivot: plan.beforePivot !== undefined,
      gate: plan.gate,
      preserve: plan.preserve ?? [],
      rootTarget: plan.rootTarget,
      join: inside,
      private: privacy,
      weakCaller: !ourselves,
      // One that an ordinary user can join is one that such a user has made.
      groupsDenied: groupsDenied() || (makesUser ? deniesGroups(linux) : inUserNamespace && !ourselves),
      stdio,
    } satisfies InitPlan);

  return {
    cgroup,
    warnings,
    // The cgroup namespace is made later, in the right cgroup; the time namespace before, by the monitor.
    flags:
      namespaces.filter((n) => n.type !== 'cgroup' && n.type !== 'time').reduce((all, n) => all | namespaceFlags[n.type]!, 0) +
      (cgroupFd === undefined ? 0 : cloneFlags.CLONE_INTO_CGROUP),
    cgroupFd,
    before: [
      ...(bornInPlace ? [rootPlaceStep(plan.rootTarget)] : []),
      ...(inUserNamespace ? rlimitSteps(inheritedLimits(spec.process.rlimits ?? [])) : []),
      ...(namespaces.some((n) => n.type === 'time') ? [timeOffsetsStep(linux.timeOffsets ?? {})] : []),
      ...before,
      // Born closed, where it is born among others of its user.
      ...(!ourselves && privacy === 'early' ? [privateStep()] : []),
    ],
    init,
    supervisor,
    takenInit,
    inherit: [
      root,
      ...tree.descriptors,
      ...joined.map(({ fd }) => fd),
      ...(takenInit === undefined ? [] : [takenInit]),
      ...(plan.gate === undefined ? [] : [plan.gate]),
      ...(plan.preserve ?? []),
    ],
    stdio,
    shell: processLine(spec, cgroupFd !== undefined),
    whileWaiting: [...(makesUser || plan.connect ? [(pid: Known) => connectProcess(pid, plan)] : []), ...(plan.beforePivot ? [plan.beforePivot] : [])],
    clockAhead: monotonicOffset(linux.timeOffsets),
    outOfMemory: outOfMemoryWatch(cgroup, linux.resources),
  };
}

/**
 * When the process closes itself where its maker has no power over the machine. In a user namespace that is joined others may be who
 * would look into it: there it is at once, unless something is to be done for it that needs it open.
 */
function privacyUnderWeak({ spec, beforePivot, hooksInside }: Preparation, makesUser: boolean, supervised: boolean): InitPlan['private'] {
  if (hooksInside || supervised) return 'never';
  const writesOwnFiles = spec.process.oomScoreAdj !== undefined || labelSteps(spec.process).length > 0;
  return makesUser || beforePivot || writesOwnFiles ? 'late' : 'early';
}

/** The line that makes the process: a shell, which goes on with the lines of the process. It enters its cgroup of version 2 first. */
function processLine({ linux }: Spec, hasCgroup: boolean): string {
  const of = (type: string): boolean => linux.namespaces.some((n) => n.type === type && n.path === undefined);
  const offsets = Object.entries(linux.timeOffsets ?? {}).map(([clock, { secs }]) => `--${clock}=${secs}`);
  const made = ['mount', 'uts', 'ipc', 'network', 'pid', 'time'].filter(of).map((type) => `--${type === 'network' ? 'net' : type}`);
  // Until it has its ids it is nobody there, which programs that it becomes would otherwise have no capability as.
  const user = of('user') ? ['--user', '--keep-caps'] : [];
  const propagation = of('user') ? (linux.rootfsPropagation === 'slave' || linux.rootfsPropagation === 'shared' ? 'slave' : 'private') : 'unchanged';
  const make = ['unshare', ...user, ...made, ...(of('time') ? offsets : []), '--propagation', propagation, '--fork'];
  const joined = linux.namespaces.some((n) => n.type === 'pid' && n.path !== undefined) ? 'nsenter --pid="$NS_PID" ' : '';
  const enter = hasCgroup ? `sh -c 'echo 0 >"$CGROUP"/cgroup.procs && exec sh "$TMP"/joining'` : 'sh "$TMP"/joining';
  return `${joined}${make.join(' ')} ${enter}`;
}

function* connectProcess(pid: Known, plan: Preparation): Procedure {
  yield* writeMaps(pid, plan.spec.linux);
  if (plan.connect) yield* plan.connect(pid);
}

interface Joined {
  readonly type: string;
  readonly fd: Known;
  readonly flag: number;
}

/**
 * Who joins which namespace. Of a PID namespace a process that joins gets only its children in, and what a process makes belongs to the
 * user namespace that it is in: so the one who clones joins a user namespace before, and the others before that, while it still may; or,
 * where it has power in that user namespace alone, after it.
 */
function joins(joined: readonly Joined[]): { readonly before: Step[]; readonly inside: readonly Joined[] } {
  const joinsUser = joined.some(({ type }) => type === 'user');
  const early = joined.filter(({ type }) => type === 'pid' || (joinsUser && type !== 'mount' && type !== 'user'));
  const user = joined.filter(({ type }) => type === 'user');
  return {
    before: (mayMount() ? [...early, ...user] : [...user, ...early]).map(({ type, fd, flag }) =>
      type === 'pid' ? joinPidStep(fd, flag) : joinNamespaceStep(type, fd, flag),
    ),
    inside: joined.filter((j) => !early.includes(j) && !user.includes(j)),
  };
}

function joinPidStep(fd: Known, flag: number): Step {
  return {
    id: 'namespace.pid',
    what: 'Have its child enter the PID namespace that is there already',
    calls: [call('setns', [fd, flag])],
    shell: '# By the nsenter that makes the process: --pid="$NS_PID"',
    look: 'readlink /proc/$PID/ns/pid',
  };
}

/** Opens the namespaces that are to be joined. */
function* openNamespaces(spec: Spec): Procedure<{ type: string; fd: Known; flag: number }[]> {
  const opened: { type: string; fd: Known; flag: number }[] = [];
  for (const { type, path } of spec.linux.namespaces) {
    if (path === undefined) continue;
    const open = call('openat', [AT_FDCWD, path, openFlags.O_CLOEXEC, 0], { label: 'ns' });
    opened.push({
      type,
      fd: yield* step(
        opening('namespace.open', `Open the ${type} namespace ${path}`, open, {
          shell: () => `export NS_${type.toUpperCase()}=${word(path)}`,
          look: () => `readlink ${word(path)}`,
        }),
      ),
      flag: namespaceFlags[type]!,
    });
  }
  return opened;
}
