/**
 * Which device nodes and links a container's tree lacks: those of its configuration and those that every container has. What the image
 * has already is left as it is, if it is the same. See runtime-spec config-linux.md "Devices", "Default Devices".
 */
import { existsSync, lstatSync } from 'node:fs';
import { cleanPath } from '../../kernel/absolute-path.ts';
import { S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG } from '../../kernel/file-at.ts';
import type { Known } from '../../kernel/call.ts';
import { inFirstUserNamespace } from '../../kernel/user-namespace.ts';
import { word } from '../../step/shell.ts';
import type { Procedure } from '../../step/step.ts';
import type { DeviceSource } from './dev-steps.ts';
import { defaultDeviceLinks, defaultDevices } from '../devices.ts';
import { MountError } from './mount-plan.ts';
import { cloneTree } from './mount-steps.ts';
import type { DeviceSpec, Spec } from '../spec.ts';
import { opening, takeCopy, type Taken } from '../taking.ts';
import { mountAbove, placeOf, statusAt, type PreparedMount } from './tree-view.ts';

/** Links to make in /dev. */
export interface DeviceLinks {
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** Those of them in whose place there is something else, which goes. */
  readonly replaced: readonly string[];
  /** The mount after which they are made, by its place among the mounts; -1: in the image itself. */
  readonly after: number;
}

const kinds: Readonly<Record<DeviceSpec['type'], number>> = { c: S_IFCHR, u: S_IFCHR, b: S_IFBLK, p: S_IFIFO };

/** Decides what is to be made, and takes hold of the host's nodes where none can be made. */
export function* prepareDevices(
  root: Known,
  { spec, mayMount, bundle }: { readonly spec: Spec; readonly mayMount: boolean; readonly bundle?: string | undefined },
  mounts: readonly PreparedMount[],
): Procedure<{ readonly devices: readonly DeviceSource[]; readonly links: DeviceLinks | undefined }> {
  const inUserNamespace = spec.linux.namespaces.some((n) => n.type === 'user') || !inFirstUserNamespace();
  const given = (spec.linux.devices ?? []).map((device) => ({ ...device, path: cleanPath(device.path) }));
  const wanted = [...given, ...defaultDevices.filter(({ path }) => !given.some((device) => device.path === path))];
  const devices: DeviceSource[] = [];
  for (const [index, asked] of wanted.entries()) {
    // Callers list all that the host's /dev has: the host's multiplexer of terminals, too, in whose place is the link to the container's own.
    if (isMultiplexer(asked)) continue;
    const device = { ...asked, path: placeOf(root, mounts, asked.path, true) };
    const above = mountAbove(mounts, device.path);
    // The host's own /dev has its nodes, and is not ours to change.
    if (above?.kind === 'bind' && above.place === '/dev') continue;
    const isBound = inUserNamespace && device.type !== 'p';
    if (isThere(root, mounts, device, isBound, index < given.length ? `linux.devices[${index}]` : 'the default devices')) continue;
    const after = above ? mounts.indexOf(above) : -1;
    devices.push(isBound ? { device, after, source: yield* takeNode(asked, mayMount) } : { device, after });
  }
  return { devices, links: linksOf(root, mounts, bundle === undefined) };
}

const isMultiplexer = ({ path, type, major, minor }: DeviceSpec): boolean => path === '/dev/ptmx' && type === 'c' && major === 5 && minor === 2;

/**
 * Whether the tree has the device already.
 * @param isBound it is the host's, and a file in its place is what it is bound on: the one before has left it there
 * @throws MountError where something else is in its place
 */
function isThere(root: Known, mounts: readonly PreparedMount[], device: DeviceSpec, isBound: boolean, name: string): boolean {
  const found = statusAt(root, mounts, device.path, true);
  // What cannot be told is tried: a node is never made in the place of something.
  if (!found || found === 'unknown') return false;
  const same = (found.mode & S_IFMT) === kinds[device.type] && (device.type === 'p' || (found.major === device.major && found.minor === device.minor));
  // What is bound at the very path is meant to be there in its place.
  if (same || mountAbove(mounts, device.path)?.place === device.path) return true;
  if (isBound && (found.mode & S_IFMT) === S_IFREG) return false;
  throw new MountError(`${name}: ${device.path} is there already, and is not the device ${device.type} ${device.major}:${device.minor}`);
}

/**
 * The links that are missing. That to /proc/kcore is there where the kernel has it, as it is with other runtimes.
 * @param everywhere it is there in any case: what the engine does is explained alike on every machine
 */
function linksOf(root: Known, mounts: readonly PreparedMount[], everywhere: boolean): DeviceLinks | undefined {
  const above = mountAbove(mounts, '/dev/fd');
  if (above?.kind === 'bind' && above.place === '/dev') return undefined;
  const found = (path: string): boolean => typeof statusAt(root, mounts, path, true) === 'object';
  // The terminals of a /dev/pts of the container's own have their own multiplexer: what the image has in its place would open the host's.
  const replaced = ['/dev/ptmx'].filter(found);
  const links = defaultDeviceLinks
    .filter(([path, target]) => (replaced.includes(path) || !found(path)) && (everywhere || target !== '/proc/kcore' || existsSync(target)))
    .map(([path, target]) => ({ path, target }));
  return { links, replaced, after: above ? mounts.indexOf(above) : -1 };
}

/** Takes hold of the host's node, for who may make none. @throws MountError where the host has another device by that name */
function* takeNode(device: DeviceSpec, mayMount: boolean): Procedure<Taken> {
  const { path } = device;
  const there = lstatSync(path, { throwIfNoEntry: false });
  const isDevice = there && (device.type === 'b' ? there.isBlockDevice() : there.isCharacterDevice());
  if (there && !isDevice)
    throw new MountError(`${path} of the host is no device ${device.type} ${device.major}:${device.minor} that could be bound into a user namespace`);
  const lines = { shell: () => `test -e ${word(path)}`, look: () => `ls -l ${word(path)}` };
  return yield* takeCopy(opening('dev.source', `Take the host's ${path}`, cloneTree(path, false), lines), mayMount);
}
