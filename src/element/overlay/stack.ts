/**
 * The layers of an overlay, as the commands of `hako overlay` see them: an image's, a container's with its writable one on top,
 * those of a mount, as the kernel tells them, or directories that were named. Layers are hostile: only their directories are
 * opened by path, and what is in them beneath those descriptors. See proc_pid_mountinfo(5), overlayfs.rst.
 */
import { closeSync, openSync, realpathSync, statSync } from 'node:fs';
import { errnoMessage } from '../../kernel/errno.ts';
import { openFlags } from '../../kernel/flags.ts';
import { mountAt, mountHolding, readMountinfo, type Mount } from '../../kernel/mountinfo.ts';
import type { OverlayFamily } from '../../kernel/xattr.ts';
import { ElementError } from '../interpret.ts';

/** One layer. */
export interface StackLayer {
  /** `upper`, or its number as the image counts: the lowest is `1`. */
  readonly name: string;
  readonly directory: string;
  /** The instruction that made it, where an image tells. */
  readonly createdBy?: string;
}

/** Layers, the top one first. */
export interface Stack {
  /** What they are the layers of, for sentences: `the image base`. */
  readonly of: string;
  readonly layers: readonly StackLayer[];
  /** The top layer is a writable one. */
  readonly writable: boolean;
  readonly family: OverlayFamily;
}

/** Layers whose directories are open. */
export interface OpenStack extends Stack {
  /** Descriptors (O_PATH), in the order of `layers`. */
  readonly fds: readonly number[];
}

/**
 * Names layers.
 * @param upper the writable one's directory, if there is one
 * @param lower the others', top first
 * @param createdBy of `lower`, in the same order
 */
export function stackOf(
  of: string,
  upper: string | undefined,
  lower: readonly string[],
  options: { readonly family?: OverlayFamily; readonly createdBy?: readonly (string | undefined)[] } = {},
): Stack {
  const { family = 'trusted', createdBy = [] } = options;
  const layers = lower.map((directory, i) => ({
    name: String(lower.length - i),
    directory,
    ...(createdBy[i] === undefined ? {} : { createdBy: createdBy[i] }),
  }));
  return { of, layers: [...(upper === undefined ? [] : [{ name: 'upper', directory: upper }]), ...layers], writable: upper !== undefined, family };
}

/**
 * The layers of the overlay that is mounted at a directory.
 * @throws ElementError when nothing is mounted there, or no overlay, or its layers cannot be found by their names
 */
export function stackOfMount(path: string, mounts: readonly Mount[] = readMountinfo()): Stack {
  const mount = overlayAt(path, mounts);
  const { upper, lower } = layersOf(mount);
  const relative = [...lower, ...(upper === undefined ? [] : [upper])].find((name) => !name.startsWith('/'));
  if (relative !== undefined)
    throw new ElementError(
      `the overlay at ${path} was mounted with the relative name "${relative}" for a layer, and the kernel does not tell where from: name the layers instead, the top one first, as ./upper:./lower`,
    );
  return stackOf(`the overlay at ${path}`, upper, lower, { family: mount.superOptions.includes('userxattr') ? 'user' : 'trusted' });
}

/** The overlay that is mounted at a directory. @throws ElementError when there is none */
export function overlayAt(path: string, mounts: readonly Mount[] = readMountinfo()): Mount {
  const real = realPath(path);
  const mount = mountAt(mounts, real);
  if (mount?.type === 'overlay') return mount;
  if (mount) throw new ElementError(`${path} is a mount of ${mount.type}, not of an overlay: hako overlay mount makes one`);
  const above = mountHolding(mounts, real);
  const hint =
    above?.type === 'overlay' ? `: the overlay is at ${above.mountPoint}` : `: name a mount point, a container, an image, or layers as ./upper:./lower`;
  throw new ElementError(`nothing is mounted at ${path}${hint}`);
}

/** Whether something is mounted at a directory. */
export const isMountPoint = (path: string): boolean => mountAt(readMountinfo(), realPath(path)) !== undefined;

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw new ElementError(`${path}: ${errnoMessage(-((error as NodeJS.ErrnoException).errno ?? 0))} (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** A mount's layers as its options name them: `lowerdir+` one by one from Linux 6.5, else all in `lowerdir`, where a colon of a name is escaped. */
function layersOf(mount: Mount): { readonly upper: string | undefined; readonly lower: string[] } {
  const values = (key: string): string[] => mount.superOptions.filter((option) => option.startsWith(`${key}=`)).map((option) => option.slice(key.length + 1));
  const plain = (name: string): string => name.replace(/\\([:\\,])/g, '$1');
  const joined = values('lowerdir').flatMap((value) => value.split(/(?<!\\):+/).map(plain));
  return { upper: values('upperdir').map(plain)[0], lower: [...joined, ...values('lowerdir+'), ...values('datadir+')] };
}

/**
 * The layers that a text names, the top one first: `./upper:./lower`.
 * @throws ElementError when one of them is no directory
 */
export function stackOfDirectories(text: string, family: OverlayFamily): Stack {
  const directories = text.split(':').map((name) => realPath(name === '' ? '.' : name));
  for (const directory of directories) if (!statSync(directory).isDirectory()) throw new ElementError(`${directory} is not a directory, and so no layer`);
  return stackOf(text, undefined, directories, { family });
}

/** Opens the layers' directories. @throws ElementError when one is not there, or not to be read */
function openStack(stack: Stack): OpenStack {
  const fds: number[] = [];
  try {
    for (const { name, directory } of stack.layers) fds.push(openLayer(stack, name, directory));
    return { ...stack, fds };
  } catch (error) {
    fds.forEach((fd) => closeSync(fd));
    throw error;
  }
}

function openLayer(stack: Stack, name: string, directory: string): number {
  try {
    return openSync(directory, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC);
  } catch (error) {
    const { code, errno: number = 0 } = error as NodeJS.ErrnoException;
    const remedy = code === 'EACCES' || code === 'EPERM' ? ': be root to look into it' : '';
    throw new ElementError(`cannot open layer ${name} of ${stack.of} (${directory}): ${errnoMessage(-number)} (${code})${remedy}`);
  }
}

/** Closes what {@link openStack} opened. */
function closeStack({ fds }: OpenStack): void {
  fds.forEach((fd) => closeSync(fd));
}

/** Does something with the layers open. */
export function withStack<T>(stack: Stack, use: (open: OpenStack) => T): T {
  const open = openStack(stack);
  try {
    return use(open);
  } finally {
    closeStack(open);
  }
}

/**
 * The index of a layer by its name.
 * @throws ElementError when there is none of the name
 */
export function layerIndex(stack: Stack, name: string): number {
  const index = stack.layers.findIndex((layer) => layer.name === name);
  if (index >= 0) return index;
  throw new ElementError(
    `${stack.of} has no layer ${name}: its layers are ${stack.layers
      .map((layer) => layer.name)
      .toReversed()
      .join(', ')}, the lowest first`,
  );
}

/** The stack without what is above a layer. */
export const stackFrom = (stack: Stack, index: number): Stack => ({ ...stack, layers: stack.layers.slice(index), writable: stack.writable && index === 0 });

/** One layer by itself. @throws ElementError when there is none of the name */
export function onlyLayer(stack: Stack, name: string): Stack {
  const index = layerIndex(stack, name);
  return { ...stack, of: `layer ${name} of ${stack.of}`, layers: [stack.layers[index]!], writable: stack.writable && index === 0 };
}
