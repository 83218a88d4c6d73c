/**
 * Start a container: the procedure that `hako run` applies and `hako run --explain` prints. What comes before its process, and what the
 * process does, is in prepare.ts and init.ts.
 */
import type { Known } from '../kernel/call.ts';
import { inFirstUserNamespace } from '../kernel/user-namespace.ts';
import type { Procedure } from '../step/step.ts';
import { hierarchiesFor, type Cgroup } from './cgroup/cgroup.ts';
import { createCgroup } from './cgroup/create.ts';
import { withHandedDown } from './cgroup/enable.ts';
import { devices as filterDevices } from './cgroup/devices.ts';
import type { CgroupLayout } from './cgroup/layout.ts';
import { limit } from './cgroup/limits.ts';
import { hostRoot } from './id-map.ts';
import { launch } from './launch.ts';
import { makePipes, type StdioEnds } from './pipes.ts';
import { prepare, type PreparedCgroup } from './prepare.ts';
import type { ContainerProcess } from './process.ts';
import { execInitStep, execStep, takeInit } from './program-steps.ts';
import { mountOverlay, type Overlay } from './rootfs/rootfs.ts';
import type { Spec } from './spec.ts';
import type { ProcessWatch } from './step-rows.ts';

/** What a container is started from. */
export interface StartPlan {
  readonly id: string;
  /** The engine that starts it, by its run directory. */
  readonly owner: string;
  readonly spec: Spec;
  readonly overlay: Overlay;
  readonly layout: CgroupLayout;
  /** Keep standard input open. */
  readonly stdin: boolean;
  /** Have a small init run the program, as process 1 in its place. */
  readonly init?: boolean;
  /** Have the process look for its program while the start can still be refused, and not only when it becomes it. */
  readonly findsProgram?: boolean;
  /** Prepares a network namespace and gives its descriptor; absent where none is to be joined. */
  readonly network?: () => Procedure<Known>;
  /** Sets up the network of a namespace that the process made (with its user namespace), by the process's id. */
  readonly connect?: (pid: Known) => Procedure;
  /** Destinations of bind mounts whose files are seen through the id maps, in a user namespace. */
  readonly idMapped?: ReadonlySet<string>;
  /** Sources of mounts that are files made for the start: an explanation comes before they are written. */
  readonly files?: readonly string[];
  /** Somebody watches the new process take its steps. */
  readonly watch?: ProcessWatch;
}

/** A container that runs. */
export interface Started {
  readonly process: ContainerProcess;
  readonly cgroup: Cgroup;
  readonly warnings: readonly string[];
}

/** Starts a container. */
export function* start(plan: StartPlan): Procedure<Started> {
  const { spec } = plan;
  let pipes: StdioEnds | undefined;
  const prepared = yield* prepare({
    spec,
    keyring: true,
    makeCgroup: () => makeCgroup(plan),
    takeRoot: (idMap) => mountOverlay(plan.overlay, idMap === undefined ? {} : { idMap: { namespace: idMap, root: hostRoot(spec.linux) } }),
    rootTarget: plan.overlay.target,
    *takeStreams(owner) {
      if (spec.process.terminal) return 'terminal';
      pipes = yield* makePipes(plan.stdin, owner);
      return pipes.child;
    },
    findsProgram: plan.findsProgram,
    takeInit: plan.init ? takeInit : undefined,
    network: plan.network,
    connect: plan.connect,
    idMapped: plan.idMapped ?? new Set(),
    files: plan.files,
  });
  const { cgroup, warnings, takenInit, cgroupFd, ...rest } = prepared;
  const process = yield* launch({
    ...rest,
    name: plan.id,
    owner: plan.owner,
    ...(cgroupFd === undefined ? {} : { cgroupFd }),
    exec: takenInit === undefined ? execStep(spec.process.args, spec.process.env) : execInitStep(takenInit, spec.process.args, spec.process.env),
    stdio: pipes ?? 'terminal',
    ...(plan.watch ? { watch: plan.watch } : {}),
  });
  return { process, cgroup, warnings };
}

/** The cgroup of a user's container, with the controllers that it is handed down: other processes in the user's cgroup may be in the way of that. */
function* createDelegated(layout: CgroupLayout, path: string): Procedure<Cgroup> {
  const cgroup = yield* createCgroup(layout, path, {}, { hierarchies: layout.hierarchies, modest: true });
  return withHandedDown(cgroup);
}

/** The container's cgroup. A limit that the machine cannot give is a warning. */
function* makeCgroup({ layout, spec }: StartPlan): Procedure<PreparedCgroup> {
  const resources = spec.linux.resources ?? {};
  // Who may mount could mount a hierarchy that it has no cgroup in, and would find the root of that, with its release_agent (CVE-2022-0492).
  const mayMount = spec.process.capabilities?.bounding?.includes('CAP_SYS_ADMIN') ?? false;
  const all = mayMount ? { hierarchies: [...new Set([...hierarchiesFor(layout, resources), ...layout.hierarchies])] } : {};
  const cgroup = inFirstUserNamespace()
    ? yield* createCgroup(layout, spec.linux.cgroupsPath, resources, all)
    : yield* createDelegated(layout, spec.linux.cgroupsPath);
  const warnings = yield* limit(cgroup, resources);
  warnings.push(...(yield* filterDevices(cgroup, resources.devices ?? [])));
  return { cgroup, warnings };
}
