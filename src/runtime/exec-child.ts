/** Run one more process in a container for an OCI caller, as this program's own child. What it does is in prepare-exec.ts. */
import type { ProcessIdentity } from '../kernel/process.ts';
import type { Procedure } from '../step/step.ts';
import type { Cgroup } from './cgroup/cgroup.ts';
import { launchChild, type Child } from './launch-child.ts';
import { copyDescriptors, takeOwnStreams } from './own-descriptors.ts';
import { prepareExec } from './prepare-exec.ts';
import type { Supervisor } from './seccomp/listener.ts';
import type { Personality, ProcessSpec, SeccompSpec } from './spec.ts';

/** What is to be run, and where. */
export interface ExecChildPlan {
  /** Of the container. */
  readonly id: string;
  readonly owner: string;
  readonly process: ProcessSpec;
  readonly container: ProcessIdentity;
  /** It begins a session keyring, and does not keep ours. */
  readonly keyring: boolean;
  /** Types of the namespaces that the container has for itself. */
  readonly namespaces: readonly string[];
  readonly cgroup: Cgroup;
  readonly seccomp?: SeccompSpec | undefined;
  readonly personality?: Personality | undefined;
  /** In the container's user namespace nobody may set groups. */
  readonly groupsDenied: boolean;
  /** How many descriptors of ours, from 3 on, the program is to have. */
  readonly preserveFds: number;
  /** Is given the listener of the filter, where that hands calls over. */
  readonly supervisor?: Supervisor | undefined;
  /** Is given the terminal's master. @throws KernelError */
  readonly takeTerminal?: ((master: number) => void) | undefined;
}

/** Starts the process. */
export function* execChild(plan: ExecChildPlan): Procedure<Child> {
  const preserve = plan.preserveFds > 0 ? yield* copyDescriptors(plan.preserveFds) : [];
  const prepared = yield* prepareExec({
    ...plan,
    *takeStreams() {
      return plan.process.terminal ? 'terminal' : yield* takeOwnStreams();
    },
    findsProgram: true,
    preserve,
  });
  return yield* launchChild({ ...prepared, name: plan.id, owner: plan.owner, gated: false, takeTerminal: plan.takeTerminal });
}
