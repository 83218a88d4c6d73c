/** Run one more process in a container of the engine's, as a child of a monitor of its own. What it does is in prepare-exec.ts. */
import type { Known } from '../kernel/call.ts';
import type { Procedure } from '../step/step.ts';
import type { Cgroup } from './cgroup/cgroup.ts';
import { launch } from './launch.ts';
import { makePipes, type StdioEnds } from './pipes.ts';
import { prepareExec } from './prepare-exec.ts';
import type { ContainerProcess } from './process.ts';
import type { Personality, ProcessSpec, SeccompSpec } from './spec.ts';

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
  readonly personality?: Personality;
  readonly stdin: boolean;
  /** Have the process look for its program first. */
  readonly findsProgram?: boolean;
  /** What the engine does while the process waits, just before its confinement: it may be traced from there on. Not with a terminal. */
  readonly whileWaiting?: (pid: Known) => Procedure;
}

/** Starts the process. */
export function* exec(plan: ExecPlan): Procedure<ContainerProcess> {
  let pipes: StdioEnds | undefined;
  const prepared = yield* prepareExec({
    ...plan,
    container: plan.pid,
    keyring: true,
    *takeStreams(owner) {
      if (plan.process.terminal) return 'terminal';
      pipes = yield* makePipes(plan.stdin, owner);
      return pipes.child;
    },
  });
  return yield* launch({ ...prepared, name: plan.id, owner: plan.owner, stdio: pipes ?? 'terminal' });
}
