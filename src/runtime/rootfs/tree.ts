/**
 * A container's tree of files, prepared before its process is cloned: sources of bind mounts are taken hold of where their paths still
 * mean what the caller wrote, mount points are made in the image, and it is decided what is to be made, covered and left as it is.
 * The process puts it together (tree-steps.ts).
 */
import { readlinkSync, statSync } from 'node:fs';
import { call, result, Unknown, type Known } from '../../kernel/call.ts';
import { closeFd, S_IFDIR, toBytes, tryOpenBeneath, tryOpenInRoot } from '../../kernel/file-at.ts';
import { KernelError } from '../../kernel/errno.ts';
import { AT_FDCWD, mountAttrs, openFlags } from '../../kernel/flags.ts';
import { parameter, word } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import type { Cgroup } from '../cgroup/cgroup.ts';
import type { CgroupMounts } from '../cgroup/mounts.ts';
import { cgroupTree } from '../cgroup-tree.ts';
import { copyTree } from './copy-up.ts';
import type { DeviceSource } from './dev-steps.ts';
import { prepareDevices, type DeviceLinks } from './dev-plan.ts';
import { idMapNamespace } from '../id-map.ts';
import { cloneTree, makeFilesystem, relative, setAttributes, type BindSource } from './mount-steps.ts';
import { MountError, planMounts, type PlannedMount } from './mount-plan.ts';
import { prepareMountPoints, type MountPoint } from './rootfs.ts';
import type { MountSpec, Spec } from '../spec.ts';
import { opening, takeCopy } from '../taking.ts';
import { isDirectoryMode, mountAbove, placeOf, statusAt, type PreparedMount } from './tree-view.ts';

/** What the tree is prepared from. */
export interface TreePlan {
  readonly spec: Spec;
  readonly cgroup: Cgroup;
  /** Relative sources of bind mounts are relative to it. */
  readonly bundle?: string | undefined;
  /** A user namespace with the container's maps, where the root is seen through them. */
  readonly idMap?: Known | undefined;
  /** Destinations of bind mounts whose files are seen through the same maps. */
  readonly idMapped?: ReadonlySet<string> | undefined;
  /** Sources that are files made for the start: an explanation comes before they are written. */
  readonly files?: readonly string[] | undefined;
  /** Whether mounts can be copied before there is a process that does it (taking.ts). */
  readonly mayMount: boolean;
  /** A tmpfs has the mode of the directory that it covers, unless it is told another. */
  readonly modesOfImage?: boolean | undefined;
}

/** A mount of the tree. */
export interface TreeMount extends PreparedMount {
  /** Where its source is a symbolic link that is to be made at the destination. */
  readonly link?: string;
  readonly cgroups?: CgroupMounts & { readonly sources: ReadonlyMap<MountSpec, BindSource> };
}

/** The tree, prepared. */
export interface Tree {
  readonly mounts: readonly TreeMount[];
  readonly devices: readonly DeviceSource[];
  readonly links: DeviceLinks | undefined;
  /** Masked paths that there are, and which of them are directories. */
  readonly masked: readonly { readonly path: string; readonly isDirectory: boolean }[];
  readonly readOnly: readonly string[];
  /** What the process inherits. */
  readonly descriptors: readonly Known[];
}

/** Prepares the tree. @throws MountError for a configuration that cannot be meant */
export function* prepareTree(root: Known, plan: TreePlan): Procedure<Tree> {
  const { spec } = plan;
  const planned = planMounts(spec, plan.bundle);
  if (planned.length > 0 && !spec.linux.namespaces.some((n) => n.type === 'mount'))
    throw new MountError("mounts need a mount namespace in linux.namespaces: without one they would be made in the machine's own, and stay there");
  const mounts: TreeMount[] = [];
  for (const entry of planned) {
    const prepared = yield* prepareMount(root, entry, mounts, plan);
    checkKinds(root, prepared, mounts);
    mounts.push(prepared);
  }
  // Only the container's own root can make something in a tree that is its: there the process does it itself.
  if (!spec.linux.namespaces.some((n) => n.type === 'user')) yield* prepareMountPoints(root, mountPointsInImage(spec, mounts));
  const { devices, links } = yield* prepareDevices(root, plan, mounts);
  const covered = (paths: readonly string[] = []): { path: string; isDirectory: boolean }[] =>
    paths.flatMap((path) => {
      const found = statusAt(root, mounts, placeOf(root, mounts, path));
      if (found === 'unknown')
        throw new MountError(`${path} lies in a file system that nothing is known of before it is mounted: it can be neither masked nor made read-only there`);
      return found ? [{ path, isDirectory: isDirectoryMode(found) }] : [];
    });
  return {
    mounts,
    devices,
    links,
    masked: covered(spec.linux.maskedPaths),
    readOnly: covered(spec.linux.readonlyPaths).map(({ path }) => path),
    descriptors: [
      ...mounts.flatMap(({ source, cgroups }) => [...(source ? [source] : []), ...(cgroups?.sources.values() ?? [])]),
      ...devices.flatMap(({ source }) => source ?? []),
    ].flatMap(({ fd }) => (fd instanceof Unknown || typeof fd === 'number' ? [fd] : [])),
  };
}

function* prepareMount(root: Known, entry: PlannedMount, before: readonly TreeMount[], plan: TreePlan): Procedure<TreeMount> {
  const { mount, kind, options } = entry;
  const place = placeOf(root, before, mount.destination, options.destinationNoFollow || options.copySymlink);
  if (kind === 'bind') {
    const link = options.copySymlink ? linkAt(mount.source) : undefined;
    if (link !== undefined) return { ...entry, link, isFile: true, place };
    const isFile = plan.files?.includes(mount.source) || !isDirectory(mount.source, options.sourceNoFollow);
    return { ...entry, isFile, place, source: yield* openSource(entry, before.length, plan) };
  }
  if (kind === 'cgroup') return { ...entry, isFile: false, place, cgroups: yield* cgroupTree(mount, plan) };
  if (kind === 'filesystem' && mount.type === 'tmpfs' && (plan.modesOfImage || options.tmpcopyup)) {
    // In an explanation there is no image to look into: it is taken to have the directory.
    const found = typeof root === 'number' ? statusAt(root, before, place) : { mode: S_IFDIR | 0o755 };
    const given = options.parameters.some(([key]) => key === 'mode');
    const mode = typeof found === 'object' && isDirectoryMode(found) && !given ? [`mode=${(found.mode & 0o7777).toString(8)}`] : [];
    const whole = { ...entry, mount: { ...mount, options: [...mount.options, ...mode] }, isFile: false, place };
    if (options.tmpcopyup && !plan.mayMount)
      throw new MountError(`mounts[${entry.index}] (${mount.destination}): only who may make mounts can fill a tmpfs (tmpcopyup)`);
    return options.tmpcopyup && typeof found === 'object' && isDirectoryMode(found) ? { ...whole, source: yield* copyUp(root, whole, before) } : whole;
  }
  return { ...entry, isFile: false, place };
}

/** The kernel would only say that the mount is invalid. @throws MountError for a directory over a file, or a file over a directory */
function checkKinds(root: Known, { index, kind, mount, isFile, link, place }: TreeMount, before: readonly TreeMount[]): void {
  const found = kind === 'remount' || link !== undefined || typeof root !== 'number' ? undefined : statusAt(root, before, place);
  if (typeof found !== 'object' || isDirectoryMode(found) !== isFile) return;
  const what = mount.source || mount.type;
  throw new MountError(
    `mounts[${index}] (${mount.destination}): ${isFile ? `there is a directory, and ${what} is not a directory` : `what is there is not a directory, and ${what} is one`}`,
  );
}

function* openSource({ mount, options }: PlannedMount, number: number, plan: TreePlan): Procedure<BindSource> {
  const { linux } = plan.spec;
  const recursive = options.bind === 'rbind';
  const maps = mount.uidMappings?.length ? { uidMappings: mount.uidMappings, gidMappings: mount.gidMappings ?? [] } : options.idMap ? linux : undefined;
  const isMapped = maps !== undefined || (plan.idMap !== undefined && plan.idMapped?.has(mount.destination) === true);
  // The root of a user namespace need not be able to come as far as the source itself; nor is a mapped one to be seen anywhere else.
  const path = plan.idMap === undefined && !isMapped ? mount.source : `${parameter('TMP')}/sources/${number}`;
  const taken = yield* takeCopy(
    opening('mount.source', `Take ${mount.source} as the source of ${mount.destination}`, cloneTree(mount.source, recursive, options.sourceNoFollow), {
      shell: () => (path === mount.source ? `test -e ${word(path)}` : `attach ${recursive ? '-r ' : ''}${word(mount.source)} ${word(path)}`),
      look: () => `findmnt -T ${word(mount.source)}`,
    }),
    plan.mayMount,
  );
  const source = { ...taken, path };
  if (!isMapped) return source;
  if (!plan.mayMount) throw new MountError(`the mount at ${mount.destination} has id maps, which only root can give it`);
  const namespace = maps === undefined ? plan.idMap! : yield* namespaceOf(maps, plan);
  yield* mapSource(source, namespace, mount.source, options.idMap === 'ridmap');
  return source;
}

/** A user namespace with the maps that a mount is to be seen through: the container's own, where that is there already. */
function* namespaceOf(maps: Parameters<typeof idMapNamespace>[0], { spec, idMap }: TreePlan): Procedure<Known> {
  if (maps !== spec.linux) return yield* idMapNamespace(maps);
  const joined = spec.linux.namespaces.find((n) => n.type === 'user')?.path;
  if (joined === undefined) return idMap ?? (yield* idMapNamespace(maps));
  const open = call('openat', [AT_FDCWD, joined, openFlags.O_CLOEXEC, 0], { label: 'mapns' });
  const lines = { shell: () => `MAPS=${word(joined)}`, look: () => `readlink ${word(joined)}` };
  return yield* step(opening('namespace.open', `Open the user namespace ${joined}`, open, lines));
}

/** Has the files of a source belong to the container's users. */
function mapSource(source: BindSource, namespace: Known, path: string, recursive: boolean): Procedure {
  return step({
    id: 'mount.map-source',
    what: `See ${path} through the id maps`,
    calls: [setAttributes(source.fd, { set: mountAttrs.MOUNT_ATTR_IDMAP, userns: namespace }, recursive)],
    shell: recursive ? `attach -r ${word(source.path)} ${word(source.path)} "$MAPS"` : `map_ids ${word(source.path)} ${word(source.path)}`,
    look: 'findmnt',
    undone: 'goes with the descriptor of the source',
  });
}

/** Makes a tmpfs and fills it with what the image has at its destination. */
function* copyUp(root: Known, { mount, place: destination }: TreeMount, before: readonly TreeMount[]): Procedure<BindSource> {
  const make = makeFilesystem(
    mount.type,
    mount.source,
    mount.options.filter((option) => option !== 'ro'),
  );
  const mnt = result(make.at(-1)!);
  const above = mountAbove(before, destination);
  const from = (above?.source?.fd ?? root) as Known;
  const path = above?.source ? destination.slice(above.place.length) : destination;
  let reason: string | undefined;
  const copy = call('copy_file_range', [from, null, mnt, null, 0, 0], {
    failureDetail: () => reason,
    perform(resolve) {
      const source = tryOpenInRoot(from as number, toBytes(relative(path)), openFlags.O_DIRECTORY);
      if (source < 0) return source;
      // The mount's own descriptor is a place only; the directory is opened for writing by its name there.
      const target = tryOpenBeneath(resolve(mnt), '', openFlags.O_DIRECTORY);
      try {
        if (target < 0) return target;
        copyTree(source, target);
        return 0;
      } catch (error) {
        if (!(error instanceof KernelError)) throw error;
        reason = error.call;
        return -error.errno;
      } finally {
        closeFd(source);
        if (target >= 0) closeFd(target);
      }
    },
  });
  const place = `${parameter('TMP')}/sources/${before.length}`;
  const fd = yield* step<Known>({
    id: 'mount.copy-up',
    what: `Fill a tmpfs with what the image has at ${mount.destination}`,
    calls: [...make, copy],
    shell: `mkdir -p ${word(place)}\nmount -t tmpfs ${word(mount.source || 'tmpfs')} ${word(place)}\ncp -a "$(in_root ${word(mount.destination)})"/. ${word(place)}`,
    look: `ls -la /proc/$PID/root${word(mount.destination)}`,
    finally: [call('close', [mnt]), call('close', [result(make[0]!)])],
    result: (returned) => returned.at(-2)!,
    unknown: new Unknown('MNT'),
  });
  return { fd, path: place };
}

function isDirectory(path: string, noFollow: boolean): boolean {
  // A parameter of a script (src/step/shell.ts) stands for a file of the script's own.
  if (path.includes('\0')) return false;
  if (noFollow && linkAt(path) !== undefined) return false;
  // What is not there yet is a volume in an explanation; a start fails when it takes hold of it.
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? true;
}

/** What a symbolic link says; undefined where there is none. */
function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Mount points that must be in the image's own directories: those that no earlier mount lies above. */
function mountPointsInImage(spec: Spec, mounts: readonly TreeMount[]): MountPoint[] {
  return (
    mounts
      .filter(({ kind, place, link }, i) => kind !== 'remount' && link === undefined && place !== '/' && !mountAbove(mounts.slice(0, i), place))
      .map(({ place, isFile }) => ({ path: place, isFile }))
      // The working directory is made when the image lacks it, as Docker does.
      .concat(spec.process.cwd === '/' || mountAbove(mounts, spec.process.cwd) ? [] : [{ path: spec.process.cwd, isFile: false }])
  );
}
