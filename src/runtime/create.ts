/**
 * Create a container for an OCI caller: everything but its program's start, for which its process then waits. It is the same as the
 * engine's start (prepare.ts and init.ts have what both do), but that the root is a bundle's directory, that the streams are the
 * caller's own, and that nothing of ours stays. See runtime-spec runtime.md "Lifecycle", "create".
 */
import type { Known } from '../kernel/call.ts';
import type { Procedure } from '../step/step.ts';
import { launchChild, type Child } from './launch-child.ts';
import { copyDescriptors, takeOwnStreams } from './own-descriptors.ts';
import { prepare, type PreparedCgroup } from './prepare.ts';
import { execStep } from './program-steps.ts';
import { takeRootDirectory } from './rootfs/root-directory.ts';
import type { Supervisor } from './seccomp/listener.ts';
import type { Spec } from './spec.ts';

/** What is to be created. */
export interface CreatePlan {
  readonly id: string;
  /** Who creates it, for the list of processes. */
  readonly owner: string;
  readonly spec: Spec;
  /** Absolute, of the host's. */
  readonly rootfs: string;
  /** Absolute: what paths of the configuration are relative to. */
  readonly bundle: string;
  /** Do without pivot_root(2). */
  readonly noPivot?: boolean;
  /** Leave it in the caller's session keyring. */
  readonly noNewKeyring?: boolean;
  readonly makeCgroup: () => Procedure<PreparedCgroup>;
  /** Run while the process stands before it changes its root. */
  readonly beforePivot?: (pid: Known) => Procedure;
  /** The FIFO for which it waits, open for reading and writing; absent: it becomes its program at once. */
  readonly gate?: number;
  /** How many descriptors of ours, from 3 on, the program is to have. */
  readonly preserveFds: number;
  /** Is given the listener of the filter, where that hands calls over. */
  readonly supervisor?: Supervisor | undefined;
  /** Done while the process takes its steps by itself: what it does not need. @throws what ends the creation */
  readonly meanwhile?: (() => void) | undefined;
  /** Is given the terminal's master. @throws KernelError */
  readonly takeTerminal?: ((master: number) => void) | undefined;
}

/** A container that is created. */
export interface Created extends PreparedCgroup, Child {}

/** Creates a container. */
export function* create(plan: CreatePlan): Procedure<Created> {
  const { spec } = plan;
  const preserve = plan.preserveFds > 0 ? yield* copyDescriptors(plan.preserveFds) : [];
  const { cgroup, warnings, cgroupFd, ...prepared } = yield* prepare({
    spec,
    makeCgroup: plan.makeCgroup,
    takeRoot: () => takeRootDirectory(plan.rootfs),
    rootTarget: plan.rootfs,
    bundle: plan.bundle,
    noPivot: plan.noPivot,
    keyring: !plan.noNewKeyring,
    *takeStreams() {
      return spec.process.terminal ? 'terminal' : yield* takeOwnStreams();
    },
    beforePivot: plan.beforePivot,
    hooksInside: (spec.hooks?.startContainer?.length ?? 0) > 0,
    findsProgram: true,
    supervisor: plan.supervisor,
    gate: plan.gate,
    preserve,
  });
  const child = yield* launchChild({
    ...prepared,
    name: plan.id,
    owner: plan.owner,
    ...(cgroupFd === undefined ? {} : { cgroupFd }),
    exec: execStep(spec.process.args, spec.process.env),
    gated: plan.gate !== undefined,
    meanwhile: plan.meanwhile,
    takeTerminal: plan.takeTerminal,
  });
  return { ...child, cgroup, warnings };
}
