/**
 * Start a container: the procedure that `hako run` applies and `hako run --explain` prints. It reads as the shell
 * script it replaces: a cgroup with limits, the layers stacked, the mount points, the network, the process.
 */
import { statSync } from 'node:fs';
import { call, result, Unknown, type Call, type Known } from '../kernel/call.ts';
import { AT_FDCWD, cloneFlags, mountAttrs, openFlags } from '../kernel/flags.ts';
import { step, type Procedure, type Step } from '../step/step.ts';
import { unifiedDirectory, type Cgroup } from './cgroup/cgroup.ts';
import { createCgroup } from './cgroup/create.ts';
import { devices as filterDevices } from './cgroup/devices.ts';
import type { CgroupLayout } from './cgroup/layout.ts';
import { limit } from './cgroup/limits.ts';
import { cgroupMounts } from './cgroup/mounts.ts';
import { hostRoot, hostUser, idMapNamespace, idMapSteps } from './id-map.ts';
import { initSteps, namespaceFlags, type InitPlan } from './init.ts';
import { launch, makePipes } from './launch.ts';
import { cloneTree, setAttributes } from './mount-steps.ts';
import { parseMountOptions } from './mount-options.ts';
import type { ContainerProcess } from './process.ts';
import { execInitStep, execStep, initDescriptor } from './program-steps.ts';
import { mountOverlay, prepareMountPoints, type MountPoint, type Overlay } from './rootfs.ts';
import type { Spec } from './spec.ts';
import { timeOffsetsStep } from './time.ts';

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
  /** Prepares a network namespace and gives its descriptor; absent where none is to be joined. */
  readonly network?: () => Procedure<Known>;
  /** Sets up the network of a namespace that the process made (with its user namespace), by the process's id. */
  readonly connect?: (pid: Known) => Procedure;
  /** Destinations of bind mounts whose files are seen through the id maps, in a user namespace. */
  readonly idMapped?: ReadonlySet<string>;
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
  const { linux } = spec;
  const resources = linux.resources ?? {};
  const cgroup = yield* createCgroup(plan.layout, linux.cgroupsPath, resources);
  const warnings = yield* limit(cgroup, resources);
  warnings.push(...(yield* filterDevices(cgroup, resources.devices ?? [])));

  const idMap = linux.namespaces.some((n) => n.type === 'user') ? yield* idMapNamespace(linux) : undefined;
  const root = yield* mountOverlay(plan.overlay, idMap === undefined ? {} : { idMap: { namespace: idMap, root: hostRoot(linux) } });
  const { binds, fileBinds } = yield* openBinds(spec, idMap, plan.idMapped ?? new Set());
  // Through mapped layers only the container's own root can make something: there the process does it itself.
  if (idMap === undefined) yield* prepareMountPoints(root, mountPointsInImage(spec, fileBinds));
  const devices = yield* openDevices(spec);

  const namespaces = linux.namespaces.filter((n) => n.path === undefined);
  const joined = yield* openNamespaces(spec);
  if (plan.network) joined.push({ type: 'network', fd: yield* plan.network(), flag: cloneFlags.CLONE_NEWNET });
  const cgroupFd = yield* openCgroup(cgroup);

  const stdio = spec.process.terminal
    ? ('terminal' as const)
    : yield* makePipes(plan.stdin, linux.namespaces.some((n) => n.type === 'user') ? hostUser(linux, spec.process.user) : undefined);
  const makesUser = namespaces.some((n) => n.type === 'user');
  const waits = makesUser || plan.connect !== undefined;
  const init = plan.init ? initDescriptor() : undefined;
  const steps = (sync: number): ReturnType<typeof initSteps> =>
    initSteps({
      spec,
      cgroup,
      root,
      binds,
      fileBinds,
      devices,
      sync,
      init,
      waits,
      cgroupMounts: namespaces.some((n) => n.type === 'cgroup')
        ? cgroupMounts(
            cgroup,
            undefined,
            spec.mounts.some((m) => m.type === 'cgroup' && m.options.includes('rw')),
          )
        : undefined,
      rootTarget: plan.overlay.target,
      masked: existing(linux.maskedPaths ?? []),
      readOnly: existing(linux.readonlyPaths ?? []).map(({ path }) => path),
      join: joined.filter(({ type }) => type !== 'pid'),
      stdio: stdio === 'terminal' ? stdio : stdio.child,
    } satisfies InitPlan);

  const process = yield* launch({
    name: plan.id,
    owner: plan.owner,
    // The cgroup namespace is made later, in the right cgroup; the time namespace before, by the monitor.
    flags:
      namespaces.filter((n) => n.type !== 'cgroup' && n.type !== 'time').reduce((all, n) => all | namespaceFlags[n.type]!, 0) +
      (cgroupFd === undefined ? 0 : cloneFlags.CLONE_INTO_CGROUP),
    ...(cgroupFd === undefined ? {} : { cgroupFd }),
    before: [...(namespaces.some((n) => n.type === 'time') ? [timeOffsetsStep(linux.timeOffsets ?? {})] : []), ...joinBefore(joined)],
    init: steps,
    exec: init === undefined ? execStep(spec.process.args, spec.process.env) : execInitStep(init, spec.process.args, spec.process.env),
    inherit: [root, ...binds.values(), ...devices.flatMap(({ source }) => source ?? []), ...joined.map(({ fd }) => fd), ...(init === undefined ? [] : [init])],
    stdio,
    shell: `unshare ${namespaces.map((n) => `--${n.type === 'network' ? 'net' : n.type}`).join(' ')} --fork sh`,
    ...(waits ? { whileWaiting: (pid: Known) => prepareProcess(pid, plan) } : {}),
  });
  return { process, cgroup, warnings };
}

function* prepareProcess(pid: Known, plan: StartPlan): Procedure {
  for (const s of idMapSteps(pid, plan.spec.linux)) yield* step(s);
  if (plan.connect) yield* plan.connect(pid);
}

/** The namespace types of which a process that joins gets only its children in. */
function joinBefore(joined: readonly { readonly type: string; readonly fd: Known; readonly flag: number }[]): Step[] {
  return joined
    .filter(({ type }) => type === 'pid')
    .map(({ fd, flag }) => ({
      id: 'namespace.pid',
      what: 'Have its child enter the PID namespace that is there already',
      calls: [call('setns', [fd, flag])],
      shell: `nsenter --pid=/proc/self/fd/${fd}`,
      look: 'readlink /proc/$PID/ns/pid',
    }));
}

/** Opens a descriptor that the procedure needs until its end. */
function opening(id: string, what: string, open: Call, shell: string, look: string): Step<Known> {
  return {
    id,
    what,
    calls: [open],
    shell,
    look,
    finally: [call('close', [result(open)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown((open.label ?? 'fd').toUpperCase()),
  };
}

function* openBinds(spec: Spec, idMap: Known | undefined, idMapped: ReadonlySet<string>): Procedure<{ binds: Map<string, Known>; fileBinds: Set<string> }> {
  const binds = new Map<string, Known>();
  const fileBinds = new Set<string>();
  for (const mount of spec.mounts) {
    const { bind } = parseMountOptions(mount.options);
    if (!bind && mount.type !== 'bind') continue;
    if (!isDirectory(mount.source)) fileBinds.add(mount.destination);
    const source = yield* step(
      opening(
        'mount.source',
        `Take ${mount.source} as the source of ${mount.destination}`,
        cloneTree(mount.source, bind === 'rbind'),
        `ls -d ${mount.source}`,
        `findmnt -T ${mount.source}`,
      ),
    );
    if (idMap !== undefined && idMapped.has(mount.destination)) yield* mapSource(source, idMap, mount.source);
    binds.set(mount.destination, source);
  }
  return { binds, fileBinds };
}

/** Has the files of a source that is the engine's own (a volume) belong to the container's users. */
function mapSource(source: Known, idMap: Known, path: string): Procedure {
  return step({
    id: 'mount.map-source',
    what: `See ${path} through the id maps`,
    calls: [setAttributes(source, { set: mountAttrs.MOUNT_ATTR_IDMAP, userns: idMap })],
    shell: `mount --bind -o X-mount.idmap=$MAPNS ${path} ${path}`,
    look: 'findmnt',
  });
}

function isDirectory(path: string): boolean {
  // What is not there yet is a volume in an explanation; a start fails when it takes hold of it.
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? true;
}

/** Mount points that must be in the image's own directories: those that no mount of ours lies above. */
function mountPointsInImage(spec: Spec, fileBinds: ReadonlySet<string>): MountPoint[] {
  const paths = spec.mounts.map((m) => m.destination);
  return (
    spec.mounts
      .filter((m) => !paths.some((above) => above !== m.destination && m.destination.startsWith(`${above}/`)))
      .map((m) => ({ path: m.destination, isFile: fileBinds.has(m.destination) }))
      // The working directory is made when the image lacks it, as Docker does.
      .concat(paths.some((above) => `${spec.process.cwd}/`.startsWith(`${above}/`)) ? [] : [{ path: spec.process.cwd, isFile: false }])
  );
}

/** In a user namespace the host's device nodes are bound, since none can be made. */
function* openDevices(spec: Spec): Procedure<InitPlan['devices']> {
  const devices: { device: InitPlan['devices'][number]['device']; source?: Known }[] = [];
  const inUserNamespace = spec.linux.namespaces.some((n) => n.type === 'user');
  for (const device of spec.linux.devices ?? []) {
    if (!inUserNamespace) devices.push({ device });
    else
      devices.push({
        device,
        source: yield* step(
          opening('dev.source', `Take the host's ${device.path}`, cloneTree(device.path, false), `ls -l ${device.path}`, `ls -l ${device.path}`),
        ),
      });
  }
  return devices;
}

/** Opens the namespaces that are to be joined. */
function* openNamespaces(spec: Spec): Procedure<{ type: string; fd: Known; flag: number }[]> {
  const opened: { type: string; fd: Known; flag: number }[] = [];
  for (const { type, path } of spec.linux.namespaces) {
    if (path === undefined) continue;
    const open = call('openat', [AT_FDCWD, path, openFlags.O_CLOEXEC, 0], { label: 'ns' });
    opened.push({
      type,
      fd: yield* step(opening('namespace.open', `Open the ${type} namespace ${path}`, open, `ls -l ${path}`, `readlink ${path}`)),
      flag: namespaceFlags[type]!,
    });
  }
  return opened;
}

function* openCgroup(cgroup: Cgroup): Procedure<Known | undefined> {
  const directory = unifiedDirectory(cgroup);
  if (directory === undefined) return undefined;
  const open = call('openat', [AT_FDCWD, directory, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0], { label: 'cgroup' });
  return yield* step(opening('cgroup.open', `Open ${directory}, for the process to be born in`, open, `ls -d ${directory}`, `cat ${directory}/cgroup.procs`));
}

/** Those of the paths below /proc and /sys that this kernel has; the same kernel serves the container. */
function existing(paths: readonly string[]): { path: string; isDirectory: boolean }[] {
  return paths.flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat ? [{ path, isDirectory: stat.isDirectory() }] : [];
  });
}
