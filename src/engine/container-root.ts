/**
 * A container's root file system, opened by the engine to read it or to copy into it. Of a running container it is the one
 * that its processes see, with all mounts; of another, its layers and volumes are put together again, attached nowhere, and
 * gone with the last descriptor. Paths in it are the container's: resolve them beneath the descriptor only (openat2).
 */
import { statSync } from 'node:fs';
import { call, type Call } from '../kernel/call.ts';
import { errno, KernelError } from '../kernel/errno.ts';
import { closeFd, toBytes, tryOpenInRoot } from '../kernel/file-at.ts';
import { AT_FDCWD, mountAttrs, openFlags } from '../kernel/flags.ts';
import { must, performNow } from '../kernel/perform.ts';
import { processStat, type ProcessIdentity } from '../kernel/process.ts';
import { attach, cloneTree, setAttributes } from '../runtime/rootfs/mount-steps.ts';
import { openOverlay, prepareMountPoints } from '../runtime/rootfs/rootfs.ts';
import { apply } from '../step/apply.ts';
import type { OverlayMount } from '../storage/snapshots.ts';
import type { IdRange } from '../storage/tar/pack.ts';
import type { MountPoint } from '../api/schema.ts';
import type { Container } from './container.ts';
import { EngineError } from './engine.ts';
import type { Parts } from './parts.ts';
import { hasUserNamespace, userMapping } from './spec/namespaces.ts';

const directoryFlags = openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC;

/**
 * The root of a running container as its first process has it, at this moment.
 * @returns a descriptor (O_PATH), the caller's; undefined when the container does not run any more
 */
export function openLiveRoot(container: Container): number | undefined {
  const { running } = container;
  return running && openProcessRoot(running.handle.record.process);
}

/** The root of exactly this process: never that of another which has got its id. @returns undefined when it has ended */
export function openProcessRoot({ pid, startTime }: ProcessIdentity): number | undefined {
  // This descriptor stands for the process, not for its number.
  const directory = performNow(call('openat', [AT_FDCWD, `/proc/${pid}`, directoryFlags, 0]));
  if (directory < 0) return undefined;
  try {
    if (processStat(pid)?.startTime !== startTime) return undefined;
    const root = performNow(call('openat', [directory, 'root', directoryFlags, 0]));
    return root < 0 ? undefined : root;
  } finally {
    closeFd(directory);
  }
}

/** The host's ids that the container's user namespace has; undefined when it has none of its own. */
export function idRangeOf({ record: { hostConfig } }: Container): IdRange | undefined {
  if (!hasUserNamespace(hostConfig)) return undefined;
  const { hostID, size } = userMapping(hostConfig.UsernsMode ?? '');
  return { first: hostID, size };
}

/** The layers as one, read only and without mounts: what the container's own file system holds. Others may write to it meanwhile. */
export function openLayers(parts: Pick<Parts, 'snapshots' | 'images'>, container: Container): number {
  const { lower, upper } = overlayOf(parts, container);
  if (lower.length === 0) return must(call('openat', [AT_FDCWD, upper, directoryFlags, 0]));
  return opened(openOverlay({ lower: [upper, ...lower], upper: '', work: '', target: '' }, true), container);
}

function overlayOf({ snapshots, images }: Pick<Parts, 'snapshots' | 'images'>, { id, record }: Container): OverlayMount {
  return snapshots.mountOf(id, images.lowerDirs(record.image.chain));
}

function opened(fd: number, container: Container): number {
  if (fd < 0) throw new KernelError(`mount the layers of the container ${container.record.name}`, -fd);
  return fd;
}

/**
 * The root of a container that does not run, with its volumes and bind mounts.
 * @param writable call within `container.exclusive` then: two writable mounts of the same layer must not meet
 * @param path in the container that is wanted
 * @throws EngineError 409 when the path is in a mount that this kernel cannot put there (before Linux 6.15)
 */
export async function openStoredRoot(parts: Parts, container: Container, path: string, writable: boolean): Promise<number> {
  const { record } = container;
  const mounts = record.mounts.filter((m) => m.Type === 'bind' || m.Type === 'volume').sort((a, b) => a.Destination.length - b.Destination.length);
  if (mounts.length > 0 && !writable) await makeMountPoints(parts, container, mounts);
  const root = writable ? opened(openOverlay(overlayOf(parts, container)), container) : openLayers(parts, container);
  try {
    if (writable) await apply(prepareMountPoints(root, mounts.map(pointOf)), { kernel: parts.kernel });
    if (writable && record.hostConfig.ReadonlyRootfs) must(setAttributes(root, { set: mountAttrs.MOUNT_ATTR_RDONLY }));
    for (const mount of mounts) attachMount(root, mount, path);
    return root;
  } catch (error) {
    closeFd(root);
    throw error;
  }
}

/** Mount points that a container which was never started does not have yet. */
async function makeMountPoints(parts: Parts, container: Container, mounts: readonly MountPoint[]): Promise<void> {
  const layers = openLayers(parts, container);
  const missing = mounts.filter(({ Destination }) => !exists(layers, Destination));
  closeFd(layers);
  if (missing.length === 0) return;
  const root = opened(openOverlay(overlayOf(parts, container)), container);
  try {
    await apply(prepareMountPoints(root, missing.map(pointOf)), { kernel: parts.kernel });
  } finally {
    closeFd(root);
  }
}

const pointOf = ({ Source, Destination }: MountPoint): { readonly path: string; readonly isFile: boolean } => ({
  path: Destination,
  isFile: !(statSync(Source, { throwIfNoEntry: false })?.isDirectory() ?? true),
});

function exists(root: number, path: string): boolean {
  const fd = tryOpenInRoot(root, toBytes(path.slice(1)), openFlags.O_PATH);
  if (fd >= 0) closeFd(fd);
  return fd >= 0;
}

/** Puts a volume or a directory of the host's in its place. What is gone on the host is left out. */
function attachMount(root: number, mount: MountPoint, path: string): void {
  const tree = performNow(cloneTree(mount.Source, true));
  if (tree === -errno.ENOENT) return;
  if (tree < 0) throw new KernelError(`take ${mount.Source}`, -tree);
  const target = tryOpenInRoot(root, toBytes(mount.Destination.slice(1)), openFlags.O_PATH);
  try {
    if (target < 0) throw new KernelError(`open the mount point ${mount.Destination}`, -target);
    if (!mount.RW) must(setAttributes(tree, { set: mountAttrs.MOUNT_ATTR_RDONLY }, true));
    const move: Call = attach(tree, target);
    const value = performNow(move);
    if (value === -errno.EINVAL && !isBelow(path, mount.Destination)) return;
    if (value === -errno.EINVAL)
      throw new EngineError(
        409,
        `${path} is in the ${mount.Type} mounted at ${mount.Destination}, which this kernel (before Linux 6.15) shows only while the container runs: start it first`,
      );
    if (value < 0) throw new KernelError(`mount ${mount.Source} at ${mount.Destination}`, -value);
  } finally {
    closeFd(tree);
    if (target >= 0) closeFd(target);
  }
}

const isBelow = (path: string, directory: string): boolean => `${path.replace(/\/+/g, '/')}/`.startsWith(`${directory}/`);
