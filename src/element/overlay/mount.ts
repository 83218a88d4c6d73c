/**
 * `hako overlay mount` and `umount`: layers stacked by the engine's own steps (src/runtime/rootfs/rootfs.ts), and attached at a directory:
 * of this mount namespace, or of one that a command gets for itself. Who has no privilege gets a user namespace besides, in which
 * overlay keeps its marks in attributes that its root may write (userxattr, from Linux 5.11).
 * See move_mount(2), umount2(2), user_namespaces(7), overlayfs.rst "User xattr".
 */
import { realpathSync, statSync, type Stats } from 'node:fs';
import { release } from 'node:os';
import { call, result, type Arg, type Call } from '../../kernel/call.ts';
import { holds } from '../../kernel/capability.ts';
import { errno, errnoMessage } from '../../kernel/errno.ts';
import { AT_FDCWD, cloneFlags, mountAttrs, mountFlags, moveMountFlags, umountFlags } from '../../kernel/flags.ts';
import { performNow } from '../../kernel/perform.ts';
import { kernelAtLeast } from '../../kernel/release.ts';
import { inOwnIds, readIdMaps, writeIdMaps } from '../../runtime/id-map.ts';
import { setAttributes } from '../../runtime/rootfs/mount-steps.ts';
import { word } from '../../step/shell.ts';
import {
  layerByLayer,
  mountOverlay,
  overlayOptionText,
  overlayStep,
  wholeFiles,
  type OverlayOptions,
  type OverlayParameter,
} from '../../runtime/rootfs/rootfs.ts';
import { propagationStep } from '../../runtime/rootfs/root-steps.ts';
import type { IdMapping, LinuxSpec } from '../../runtime/spec.ts';
import { step, type Procedure, type Step } from '../../step/step.ts';
import { foreground } from '../foreground.ts';
import { ElementError } from '../interpret.ts';
import { overlayAt } from './stack.ts';

/** What is asked for, as it was written. */
export interface MountRequest {
  /** Top first. */
  readonly lower: readonly string[];
  readonly upper?: string | undefined;
  readonly work?: string | undefined;
  readonly target: string;
  /** Read-only, though there may be a writable layer. */
  readonly readOnly: boolean;
  /** Further parameters, `KEY=VALUE` or `FLAG`; redirect_dir and metacopy are off unless they are among them. */
  readonly options: readonly string[];
  /** In a user namespace, also where there is privilege. */
  readonly userNamespace: boolean;
}

/** A request whose directories are there, with their real paths. */
export interface MountPlan {
  readonly lower: readonly string[];
  readonly upper?: string;
  readonly work?: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly parameters: readonly OverlayParameter[];
  readonly userNamespace: boolean;
  /** Overlay's marks are in `user.overlay.*`: only the root of the initial user namespace may write `trusted.*`. */
  readonly userXattr: boolean;
}

/** Whether this is the user namespace that there was at boot. */
const isInitialUserNamespace = (): boolean => {
  const [map, ...more] = readIdMaps(process.pid).uidMappings;
  return more.length === 0 && map?.containerID === 0 && map.hostID === 0 && map.size === 0xffff_ffff;
};

/** Whether this process may mount in the mount namespace that it is in. */
export const mayMount = (): boolean => holds('CAP_SYS_ADMIN');

/**
 * Looks at what is asked for.
 * @throws ElementError with what is wrong with it
 */
export function planMount(request: MountRequest): MountPlan {
  const { lower, upper, work, target, readOnly } = request;
  if (lower.length === 0) throw new ElementError('an overlay needs a layer: name its directory with --lower', 125);
  if (upper === undefined && lower.length < 2)
    throw new ElementError('an overlay without a writable layer needs two layers at least: give --lower a second time, or --upper and --work', 125);
  if ((upper === undefined) !== (work === undefined))
    throw new ElementError(
      'a writable layer needs both --upper and --work: an empty directory beside it, on the same file system, in which the kernel prepares files',
      125,
    );
  const userNamespace = request.userNamespace || !mayMount();
  const userXattr = userNamespace || !isInitialUserNamespace();
  if (userXattr && !kernelAtLeast(5, 11))
    throw new ElementError(`overlays in a user namespace (userxattr) need Linux 5.11 or newer, and this is ${release()}: run it as root`);
  const given = request.options.map((option): OverlayParameter => {
    const at = option.indexOf('=');
    return at < 0 ? [option] : [option.slice(0, at), option.slice(at + 1)];
  });
  // With userxattr both are off, and must not be named.
  const defaults = userXattr ? [] : wholeFiles.filter(([key]) => !given.some(([other]) => other === key));
  const plan: MountPlan = {
    lower: lower.map((path) => directory(path, 'the layer')),
    ...(upper === undefined || work === undefined ? {} : { upper: directory(upper, 'the writable layer'), work: directory(work, 'the work directory') }),
    target: directory(target, 'the mount point'),
    readOnly,
    parameters: [...defaults, ...given],
    userNamespace,
    userXattr,
  };
  if (plan.upper !== undefined && plan.work !== undefined) requireSiblings(plan.upper, plan.work);
  return plan;
}

/** The real path of a directory. */
function directory(path: string, what: string): string {
  let real: string;
  let status: Stats;
  try {
    real = realpathSync(path);
    status = statSync(real);
  } catch (error) {
    const { errno: number = 0, code } = error as NodeJS.ErrnoException;
    throw new ElementError(`${what} ${path}: ${errnoMessage(-number)} (${code})`);
  }
  if (!status.isDirectory()) throw new ElementError(`${what} ${path} is not a directory`);
  return real;
}

/** What the kernel would refuse with EINVAL, and a line in its log. */
function requireSiblings(upper: string, work: string): void {
  if (statSync(upper).dev !== statSync(work).dev)
    throw new ElementError(`--work ${work} must be on the file system of --upper ${upper}: files are prepared in it, and renamed into their place`);
  if (`${work}/`.startsWith(`${upper}/`) || `${upper}/`.startsWith(`${work}/`))
    throw new ElementError(`--work ${work} and --upper ${upper} must be beside each other, not one in the other`);
}

/** Mounts in the mount namespace that this process is in. @throws ElementError without the privilege */
export function* mountHere(plan: MountPlan): Procedure {
  if (plan.userNamespace)
    throw new ElementError(
      'to mount here needs CAP_SYS_ADMIN: be root, or give a command (-- COMMAND), which gets the mount in a mount and a user namespace of its own',
    );
  if (!layerByLayer()) {
    // The layers by their paths, as whoever reads the table of mounts expects: fsconfig(2) would be given numbers of descriptors.
    yield* step({ ...wholeMountStep(plan), undo: [call('umount2', [plan.target, umountFlags.MNT_DETACH | umountFlags.UMOUNT_NOFOLLOW])] });
    return;
  }
  const mount = yield* mountOverlay(plan, stacking(plan));
  yield* step(attachStep(plan, mount));
}

const stacking = ({ parameters, userXattr, target }: MountPlan): OverlayOptions => ({ parameters, userXattr, at: target });

function attachStep({ target, readOnly }: MountPlan, mount: Arg): Step {
  return {
    id: 'mount.attach',
    what: `Attach it at ${target}${readOnly ? ', read-only' : ''}`,
    calls: [
      ...(readOnly ? [setAttributes(mount, { set: mountAttrs.MOUNT_ATTR_RDONLY })] : []),
      call('move_mount', [mount, '', AT_FDCWD, target, moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH]),
    ],
    // mount(8) has done it with the step before.
    shell: readOnly ? `mount -o remount,bind,ro ${word(target)}` : `mountpoint ${word(target)}`,
    look: `findmnt ${word(target)}`,
    undo: [call('umount2', [target, umountFlags.MNT_DETACH | umountFlags.UMOUNT_NOFOLLOW])],
  };
}

/**
 * Mounts for one command, in a mount namespace of its own: the mount goes with the command.
 * @returns the command's exit code
 */
export function mountFor(plan: MountPlan, args: readonly string[], env: readonly string[]): Procedure<number> {
  return foreground({
    name: 'overlay',
    flags: cloneFlags.CLONE_NEWNS | (plan.userNamespace ? cloneFlags.CLONE_NEWUSER : 0),
    inside: [propagationStep('private'), ...mountSteps(plan)],
    ...(plan.userNamespace
      ? {
          whileWaiting: (pid) => writeIdMaps(pid, idMaps()),
        }
      : {}),
    args,
    env,
    shell: `unshare --mount${plan.userNamespace ? ' --user --map-root-user' : ''} ${args.map(word).join(' ')}`,
  });
}

/** The maps of a user namespace for the command: its root is who we are; with privilege all ids are as they are here. */
function idMaps(): Pick<LinuxSpec, 'uidMappings' | 'gidMappings'> {
  if (!holds('CAP_SETUID', 'CAP_SETGID', 'CAP_SETFCAP')) return { uidMappings: [oneId(process.geteuid!())], gidMappings: [oneId(process.getegid!())] };
  const { uidMappings, gidMappings } = readIdMaps(process.pid);
  return { uidMappings: inOwnIds(uidMappings), gidMappings: inOwnIds(gidMappings) };
}

const oneId = (hostID: number): IdMapping => ({ containerID: 0, hostID, size: 1 });

/** Stacks and attaches, as steps of a new process; no JavaScript runs there. */
function mountSteps(plan: MountPlan): Step<unknown>[] {
  if (!layerByLayer()) return [wholeMountStep(plan)];
  const { step: stack, mount } = overlayStep(plan, stacking(plan));
  return [stack, attachStep(plan, result(mount))];
}

/** Before Linux 6.5, where fsconfig(2) takes only 255 bytes for all layers together: mount(2) takes a page of options. */
export function wholeMountStep(plan: MountPlan): Step {
  const { lower, upper, work, target, readOnly, userXattr } = plan;
  const parameters: OverlayParameter[] = [
    ...(upper === undefined || work === undefined
      ? []
      : ([
          ['upperdir', upper],
          ['workdir', work],
        ] as const)),
    ...(userXattr ? [['userxattr'] as const] : []),
    ...plan.parameters,
  ];
  const options = overlayOptionText(lower, parameters);
  return {
    id: 'mount.overlay',
    what: `Stack ${lower.length} read-only layer${lower.length === 1 ? '' : 's'}${upper === undefined ? '' : ' and one of its own'} at ${target}`,
    calls: [call('mount', ['overlay', target, 'overlay', readOnly ? mountFlags.MS_RDONLY : 0, options])],
    shell: `mount -t overlay overlay -o ${options} ${word(target)}`,
    look: `findmnt ${word(target)}`,
  };
}

/**
 * Unmounts an overlay.
 * @param lazy take it out of the tree at once, also while it is used
 * @throws ElementError when no overlay is mounted there
 */
export function* unmount(path: string, lazy: boolean): Procedure {
  const { mountPoint } = overlayAt(path);
  if (!mayMount()) throw new ElementError(`to unmount ${mountPoint} needs CAP_SYS_ADMIN: be root`);
  yield* step(unmountStep(mountPoint, lazy));
}

/** Takes off what is mounted at a mount point. */
export function unmountStep(mountPoint: string, lazy: boolean): Step {
  return {
    id: 'mount.unmount',
    what: `Unmount the overlay at ${mountPoint}`,
    calls: [unmountCall(mountPoint, lazy)],
    shell: `umount ${lazy ? '-l ' : ''}${word(mountPoint)}`,
    look: `findmnt ${word(mountPoint)}`,
    undone: 'takes away, and makes nothing',
  };
}

function unmountCall(path: string, lazy: boolean): Call {
  const made = call('umount2', [path, umountFlags.UMOUNT_NOFOLLOW | (lazy ? umountFlags.MNT_DETACH : 0)]);
  let returned = 0;
  return {
    ...made,
    perform: (resolve) => (returned = performNow(made, resolve)),
    failureDetail: () =>
      returned === -errno.EBUSY
        ? `a process works in it (fuser -vm ${path} says which), or something is mounted in it; --lazy unmounts it all the same`
        : undefined,
  };
}
