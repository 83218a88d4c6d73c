/** Making a container of a checkpoint: claimed and noted as a new one is, but its processes are criu's work. */
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openFlags } from '../../kernel/flags.ts';
import { perform } from '../../kernel/perform.ts';
import { identify } from '../../kernel/process.ts';
import type { Spec } from '../../runtime/spec.ts';
import { apply } from '../../step/apply.ts';
import { prepareCgroup } from '../cgroup-driver.ts';
import { placeOf, removeContainerCgroup } from '../cgroup-place.ts';
import { isBind } from '../config/config-schema.ts';
import { readConfig } from '../config/read.ts';
import type { CgroupRecord, ContainerRecord } from '../container-record.ts';
import { endOthers } from '../end-container.ts';
import { OciError } from '../error.ts';
import { cgroupRequestOf, recordOf } from '../new-container.ts';
import { hasHooks, runHooks } from '../hooks.ts';
import type { Settings } from '../settings.ts';
import { StateStore } from '../state-store.ts';
import { writeStoredSpec } from '../stored-spec.ts';
import { directoryIn } from '../../runtime/cgroup/cgroup.ts';
import { titleOf } from '../../runtime/cgroup/layout.ts';
import type { ExternalMount } from './image.ts';
import { readExternals } from './image.ts';
import { makeMountPoint } from './mount-points.ts';
import { findProgram } from './program.ts';
import { inheritedAs, restoreProcess, type StagedMount } from './restore-process.ts';
import { restoreWithHooks } from './restore-hooks.ts';
import { criuFailure } from './run.ts';

/** What a caller asks for. */
export interface RestoreRequest {
  readonly id: string;
  readonly bundle: string;
  /** The checkpoint's directory, absolute. */
  readonly image: string;
  /** For criu's log and other files, absolute. */
  readonly work: string;
  /** For criu, of the caller's flags. */
  readonly words: readonly string[];
  readonly shellJob: boolean;
}

/** Restores a container. @returns its record @throws OciError, and then nothing of it is left */
export async function restoreContainer(request: RestoreRequest, settings: Settings): Promise<ContainerRecord> {
  const { id, image, work, shellJob } = request;
  const store = new StateStore(settings.root);
  const bundle = resolve(request.bundle);
  const { spec, warnings } = readConfig(bundle);
  for (const warning of warnings) settings.log.warn(warning);
  if (spec.process.terminal && !shellJob)
    throw new OciError(`cannot restore ${id}: process.terminal is set in config.json, and a terminal is no part of a checkpoint`);
  if (spec.linux.intelRdt) throw new OciError(`config.json: linux.intelRdt: a container that is restored is put into no group of resctrl: leave it out`);
  const externals = readExternals(image);
  const program = findProgram(settings.criu);
  const prepared = await prepareCgroup(cgroupRequestOf(id, spec, settings));
  const record = recordOf(id, bundle, spec, { cgroup: prepared.record, keyring: true });
  const directory = store.create(record);
  const opened: number[] = [];
  const open = (fd: number): number => (opened.push(fd), fd);
  try {
    writeStoredSpec(directory, spec);
    await prepared.begin();
    const { warnings: unmet } = await apply(prepared.make(), { kernel: { call: perform } });
    for (const warning of unmet) settings.log.warn(warning);
    const root = open(openSync(spec.root.path, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC));
    const own = join(directory, 'criu');
    const rootTarget = join(own, 'root');
    mkdirSync(rootTarget, { recursive: true, mode: 0o700 });
    const stages = join(own, 'mounts');
    mkdirSync(stages);
    const mounts = externals.mounts.map((mount, n) => stageMount(mount, n, spec, record.cgroup, root, stages));
    const streams = externals.streams.flatMap((name, fd) => (name === null ? [] : [{ name, fd }]));
    const namespaces = externals.namespaces.map(({ type, name }) => ({ name, fd: open(openSync(joinedPath(spec, type), 'r')) }));
    const inherited = [...streams, ...namespaces];
    const pidFile = join(own, 'pid');
    const words = ['restore', '--images-dir', image, '--work-dir', work, '--log-file', 'restore.log', '-v4', '--root', rootTarget].concat(
      ['--restore-detached', '--restore-sibling', '--pidfile', pidFile],
      request.words,
      cgroupWords(record.cgroup),
      mounts.flatMap(({ stage }, n) => ['--external', `mnt[${externals.mounts[n]!.destination}]:${stage}`]),
      inherited.flatMap(({ name }, n) => ['--inherit-fd', `fd[${inheritedAs(n)}]:${name}`]),
    );
    settings.log.debug(`${program} ${words.join(' ')}`);
    const restore = (more: readonly string[]): Promise<number> =>
      restoreProcess({ program, words: words.concat(more), root, rootTarget, mounts, inherited: inherited.map(({ fd }) => fd) });
    const status = hasHooks(spec, ...hooksOfRestore) ? await restoreWithHooks(own, (pid) => runHooksOf(spec, record, pid), restore) : await restore([]);
    if (status !== 0) throw criuFailure('restore', status, join(work, 'restore.log'));
    const identity = identify(Number(readFileSync(pidFile, 'latin1')));
    if (!identity) throw new OciError(`the restored process of ${id} has ended at once`);
    rmSync(own, { recursive: true });
    await prepared.settle();
    const restored = { ...record, process: identity };
    store.update(restored);
    return restored;
  } catch (error) {
    await endOthers(record);
    await removeContainerCgroup(record.cgroup);
    await prepared.abandon();
    store.remove(id);
    throw error;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

const hooksOfRestore = ['prestart', 'createRuntime'] as const;

async function runHooksOf(spec: Spec, record: ContainerRecord, pid: number): Promise<void> {
  for (const kind of hooksOfRestore) await apply(runHooks(kind, { spec, record, status: 'creating', pid }), { kernel: { call: perform } });
}

function joinedPath(spec: Spec, type: string): string {
  const path = spec.linux.namespaces.find((namespace) => namespace.type === type)?.path;
  if (!path)
    throw new OciError(`config.json: linux.namespaces names no path for the namespace (${type}) that the container had joined when it was checkpointed`);
  return path;
}

/** The container's cgroups in place of those that it had. */
function cgroupWords(record: CgroupRecord): string[] {
  const { path, hierarchies } = placeOf(record);
  return hierarchies.flatMap((h) => {
    const whole = (h.base ?? '') + path;
    return ['--cgroup-root', h.version === 2 ? whole : `${h.name ? `name=${h.name}` : h.controllers.join(',')}:${whole}`];
  });
}

/** Where a mount from outside comes from now, with the places for it: in the root file system, and among our own files. */
function stageMount({ destination, from, options }: ExternalMount, n: number, spec: Spec, record: CgroupRecord, root: number, stages: string): StagedMount {
  const source = sourceOf(destination, from, spec, record);
  const isDirectory = statSync(source).isDirectory();
  // Below another mount, what is in that brings the mount point along, or makes it by itself.
  if (!spec.mounts.some((mount) => destination.startsWith(`${mount.destination}/`))) makeMountPoint(root, destination, isDirectory);
  const stage = join(stages, String(n));
  if (isDirectory) mkdirSync(stage);
  else writeFileSync(stage, '');
  return { source, options, stage };
}

function sourceOf(destination: string, from: ExternalMount['from'], spec: Spec, record: CgroupRecord): string {
  if (from === 'bind') {
    const bind = spec.mounts.findLast((mount) => isBind(mount) && `${destination}/`.startsWith(`${mount.destination}/`));
    if (!bind) throw new OciError(`config.json: mounts has none with the destination ${destination}, which the container had when it was checkpointed`);
    return bind.source + destination.slice(bind.destination.length);
  }
  const space = from.indexOf(' ');
  const [kind, name] = [from.slice(0, space), from.slice(space + 1)];
  if (kind === 'device') {
    if (!/^\w[\w.-]*(\/\w[\w.-]*)*$/.test(name)) throw new OciError(`the checkpoint names a device "${name}", which is none`);
    return `/dev/${name}`;
  }
  const { path, hierarchies } = placeOf(record);
  const hierarchy = hierarchies.find((h) => titleOf(h) === name);
  if (!hierarchy) throw new OciError(`the container had the cgroups of "${name}" mounted at ${destination}, and there are none here`);
  return directoryIn(hierarchy, path);
}
