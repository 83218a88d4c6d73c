/**
 * A container's root file system, from both sides: the engine stacks the layers and sees that every mount point
 * exists; the new process makes the stack its root. The overlay is mounted detached (by descriptor), so that it never
 * appears in the host's mount table and nothing is left of it when the last descriptor closes.
 * See overlayfs(5) in the kernel's documentation, pivot_root(2).
 */
import { fstatSync } from 'node:fs';
import { call, Result, result, Unknown, type Call, type Known } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import { closeFd, tryOpenInRoot } from '../../kernel/file-at.ts';
import { AT_FDCWD, fsconfigCommands, fsmountFlags, fsopenFlags, mountAttrs, openFlags, umountFlags } from '../../kernel/flags.ts';
import { mountAt, readMountinfo } from '../../kernel/mountinfo.ts';
import { kernelAtLeast, kernelRelease } from '../../kernel/release.ts';
import { must, perform, performNow } from '../../kernel/perform.ts';
import { inFirstUserNamespace } from '../../kernel/user-namespace.ts';
import { same, type Condition } from '../../step/goal.ts';
import { parameter, word } from '../../step/shell.ts';
import { withValues } from '../../step/typed.ts';
import { step, type Procedure, type Step } from '../../step/step.ts';
import { layersInOneString, type NamedLayers } from './layers-in-one-string.ts';
import { cloneTree, makeMountPoint, makePlace, relative, setAttributes } from './mount-steps.ts';

/** Layers and the directories of the writable one; see src/storage/snapshots.ts. */
export interface Overlay {
  /** Top first. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly target: string;
}
/** Its writable layer may be missing where it is mounted read-only. */
export type Layers = Pick<Overlay, 'lower' | 'target'> & Partial<Overlay>;

/** From Linux 6.5 the layers are given one by one. */
export const layerByLayer = (): boolean => kernelAtLeast(6, 5);
/** From Linux 6.13 they can be given by descriptor, which is how idmapped ones are. */
const layerByDescriptor = (): boolean => kernelAtLeast(6, 13);

/** How the layers are stacked. */
export interface OverlayOptions {
  /** Without the writable layer; needs two layers at least. */
  readonly readOnly?: boolean;
  /** From Linux 6.13. */
  readonly idMap?: IdMap;
  /** Keep overlay's attributes where a user namespace's root may write them: `user.overlay.…`. From Linux 5.11; the default there. It excludes what {@link wholeFiles} excludes. */
  readonly userXattr?: boolean;
  /** The file system's further parameters; see {@link wholeFiles}. */
  readonly parameters?: readonly OverlayParameter[];
  /** The directory that the stack is for, in what is told of the step; a container's root unless said. */
  readonly at?: string;
}

/** `[redirect_dir, off]`, or a flag: `[volatile]`. */
export type OverlayParameter = readonly [key: string, value?: string];

/** What is written is whole files under their own names: a layer can be packed from it. */
export const wholeFiles: readonly OverlayParameter[] = [
  ['redirect_dir', 'off'],
  ['metacopy', 'off'],
];

/** How layers are seen in a user namespace. */
export interface IdMap {
  /** A user namespace with the maps. */
  readonly namespace: Known;
  /** The container's root, in the host's ids. */
  readonly root: { readonly uid: number; readonly gid: number };
}

/**
 * Stacks the layers. The result is a descriptor of the mount's root, attached nowhere.
 * @throws Error for layers that are to be mapped, before Linux 6.13
 */
export function* mountOverlay(overlay: Layers, options: OverlayOptions = {}): Procedure<Known> {
  return yield* step(overlayStep(overlay, options).step);
}

/** The step that stacks the layers, and the call of it that gives the mount: for the table of a new process. */
export function overlayStep(overlay: Layers, options: OverlayOptions = {}): { readonly step: Step<Known>; readonly mount: Call } {
  const { lower, upper, work } = overlay;
  const { readOnly = upper === undefined, idMap, userXattr = !inFirstUserNamespace(), at } = options;
  if (idMap !== undefined && !layerByDescriptor())
    throw new Error(
      `a user namespace of the container's own needs Linux 6.13 or newer, for its layers to be mapped, and this is ${kernelRelease()}: leave out --userns`,
    );
  if (userXattr && !kernelAtLeast(5, 11))
    throw new Error(`an overlay in a user namespace needs Linux 5.11 or newer, and this is ${kernelRelease()}: run hako as root`);
  const context = call('fsopen', ['overlay', fsopenFlags.FSOPEN_CLOEXEC], { label: 'fs' });
  const fs = result(context);
  const set = (key: string, value?: string): Call =>
    value === undefined
      ? call('fsconfig', [fs, fsconfigCommands.FSCONFIG_SET_FLAG, key, null, 0])
      : call('fsconfig', [fs, fsconfigCommands.FSCONFIG_SET_STRING, key, value, 0]);
  const parameters: readonly OverlayParameter[] = [...(userXattr ? [['userxattr'] as const] : []), ...(options.parameters ?? (userXattr ? [] : wholeFiles))];
  const writable: readonly OverlayParameter[] =
    readOnly || upper === undefined || work === undefined
      ? []
      : [
          ['upperdir', upper],
          ['workdir', work],
        ];
  const mount = call('fsmount', [fs, fsmountFlags.FSMOUNT_CLOEXEC, 0], { label: 'rootfd' });
  const layers =
    idMap !== undefined ? mappedLayers(fs, overlay, idMap) : layerByLayer() ? { set: lower.map((dir) => set('lowerdir+', dir)) } : layersInOneString(fs, lower);
  const reason = (): string => "overlayfs tells more in the kernel's log (dmesg)";
  const { create = call('fsconfig', [fs, fsconfigCommands.FSCONFIG_CMD_CREATE, null, null, 0], { failureDetail: reason }), close = [] }: Partial<NamedLayers> =
    layers;
  const made: Step<Known> = {
    id: 'mount.overlay',
    what: `Stack ${lower.length} read-only layer${lower.length === 1 ? '' : 's'}${readOnly ? '' : ' and one of its own'} ${at === undefined ? 'as the root' : `for ${at}`}`,
    calls: [context, set('source', 'overlay'), ...layers.set, ...[...writable, ...parameters].map((parameter) => set(...parameter)), create, mount],
    shell: overlayLines(overlay, [...writable, ...parameters], idMap, at),
    look: 'findmnt -t overlay -N $PID',
    // By hand it is mounted at a path; what is taken over is a copy that is attached nowhere, as ours would be. Whether layers that
    // are mounted are seen through id maps, no table of mounts tells: nobody could be judged.
    ...(idMap === undefined ? { goal: () => [overlayAt(overlay.target, lower, writable)], adopt: () => adoptOverlay(overlay.target) } : {}),
    undone: 'is attached nowhere: the kernel takes it away with its last descriptor, or the last process in it',
    finally: [call('close', [result(mount)]), call('close', [fs]), ...close],
    result: (returned) => returned.at(-1)!,
    unknown: new Unknown('ROOTFD'),
  };
  return { step: made, mount };
}

/** The same by mount(8): layers that are to be mapped are attached somewhere first. */
function overlayLines({ lower, upper }: Layers, parameters: readonly OverlayParameter[], idMap?: IdMap, at?: string): string {
  const mount = (layers: readonly string[]): string =>
    `mount -t overlay overlay -o ${word(overlayOptionText(layers, parameters))} ${at === undefined ? '"$ROOT"' : word(at)}`;
  if (idMap === undefined) return mount(lower);
  const mapped = lower.map((_, i) => `${parameter('TMP')}/layers/${i}`);
  return [
    ...(upper === undefined ? [] : [`chown ${idMap.root.uid}:${idMap.root.gid} ${word(upper)}`]),
    ...lower.map((directory, i) => `map_ids ${word(directory)} ${word(mapped[i]!)}`),
    mount(mapped),
  ].join('\n');
}

/** The options of mount(8): colons and commas in a layer's path are escaped. */
export function overlayOptionText(lower: readonly string[], parameters: readonly OverlayParameter[]): string {
  const escape = (path: string, special: RegExp): string => path.replace(special, '\\$&');
  return [
    `lowerdir=${lower.map((path) => escape(path, /[\\:,]/g)).join(':')}`,
    ...parameters.map(([key, value]) => (value === undefined ? key : `${key}=${escape(value, /[\\,]/g)}`)),
  ].join(',');
}

/**
 * The read-only layers as idmapped mounts, given to the overlay by descriptor. The writable one is not mapped: overlay
 * makes its working files as the engine's root, who has no place in the map. It holds the host's ids, its top directory included.
 */
function mappedLayers(fs: Result, { lower, upper = '' }: Layers, idMap: IdMap): Pick<NamedLayers, 'set' | 'close'> {
  const layers = lower.map((directory) => {
    const tree = cloneTree(directory, false);
    return [tree, setAttributes(result(tree), { set: mountAttrs.MOUNT_ATTR_IDMAP, userns: idMap.namespace })] as const;
  });
  return {
    set: [
      call('fchownat', [AT_FDCWD, upper, idMap.root.uid, idMap.root.gid, 0]),
      ...layers.flat(),
      ...layers.map(([tree]) => call('fsconfig', [fs, fsconfigCommands.FSCONFIG_SET_FD, 'lowerdir+', null, result(tree)])),
    ],
    close: layers.map(([tree]) => call('close', [result(tree)])),
  };
}

/** These layers are mounted at the target, in our own mount namespace. */
function overlayAt(target: string, lower: readonly string[], writable: readonly OverlayParameter[]): Condition {
  const found = mountAt(readMountinfo(), target);
  const directories = (name: string): string =>
    (found?.superOptions ?? [])
      .filter((o) => o.startsWith(`${name}=`) || o.startsWith(`${name}+=`))
      .map((o) => o.replace(/^[^=]*=/, ''))
      .join(':');
  const text = (of: readonly OverlayParameter[]): string => of.flatMap(([name, value]) => (value ? `${name}=${value}` : [])).join(',');
  const wanted: readonly OverlayParameter[] = [['lowerdir', lower.join(':')], ...writable];
  // What is not to be there is looked for too: a layer that can be written to, where there is to be none.
  const has = ['lowerdir', 'upperdir', 'workdir'].map((name): OverlayParameter => [name, directories(name)]);
  return same(`an overlay at ${target}`, text(wanted), found?.type === 'overlay' ? text(has) : (found?.type ?? ''));
}

function adoptOverlay(target: string): number {
  const tree = must(cloneTree(target, true));
  must(call('umount2', [target, umountFlags.MNT_DETACH]));
  return tree;
}

/** Where something will be mounted. */
export interface MountPoint {
  readonly path: string;
  readonly isFile: boolean;
}

/** Sees that each mount point exists beneath the root; links in the image are followed inside it only. */
export function* prepareMountPoints(root: Known, points: readonly MountPoint[]): Procedure {
  const shell = (): string => points.map(({ path, isFile }) => makePlace(path, isFile)).join('\n');
  yield* step({
    id: 'rootfs.mount-points',
    what: 'See that every mount point exists in the root',
    calls: points.map(({ path, isFile }) =>
      call(isFile ? 'mknodat' : 'mkdirat', isFile ? [root, relative(path), 0o100644, 0] : [root, relative(path), 0o755], {
        accept: [errno.EEXIST],
        perform: () => ensure(root as number, path, isFile),
      }),
    ),
    get shell() {
      return shell();
    },
    // The root is attached nowhere yet: a person reaches it through this descriptor alone.
    get hand() {
      return withValues(shell(), { root: `/proc/${process.pid}/fd/${root}`, inside: true });
    },
    look: 'ls -l $ROOT',
    goal: () => points.map(({ path, isFile }) => same(`${path} in the root`, isFile ? 'a file' : 'a directory', kindAt(root as number, path))),
    undone: "stays in the container's own layer; goes with the container",
  });
}

function kindAt(root: number, path: string): string {
  const there = tryOpenInRoot(root, relative(path), openFlags.O_PATH);
  if (there < 0) return '';
  try {
    return fstatSync(there).isDirectory() ? 'a directory' : 'a file';
  } finally {
    closeFd(there);
  }
}

/** Makes a directory or an empty file, and its parents; -EEXIST where it is there. Resolved beneath the root by descriptor. */
function ensure(root: number, path: string, isFile: boolean): number {
  const there = tryOpenInRoot(root, relative(path), openFlags.O_PATH);
  if (there >= 0) {
    closeFd(there);
    return -errno.EEXIST;
  }
  const values = new Map<Call, number>();
  const opened: number[] = [];
  try {
    for (const c of makeMountPoint(root, path, '/', isFile)) {
      const value = perform(c, (r) => values.get(r.of)!) as number;
      if (value < 0 && !c.accept?.includes(-value)) return value;
      values.set(c, value);
      if (c.name === 'openat2') opened.push(value);
    }
    return 0;
  } finally {
    opened.forEach(closeFd);
  }
}

/**
 * Opens the same stack for the engine itself: to copy files in and out, or to look. The caller closes it.
 * @returns a descriptor of its root, or a negative errno
 */
export function openOverlay(overlay: Overlay, readOnly = false): number {
  const values = new Map<Call, number>();
  const resolve = (r: Result): number => values.get(r.of)!;
  const { calls, finally: closing = [] } = mountOverlay(overlay, { readOnly }).next().value as Step<Known>;
  let value = 0;
  for (const c of calls) {
    value = perform(c, resolve) as number;
    if (value < 0) break;
    values.set(c, value);
  }
  // The mount itself is the caller's.
  const kept = calls.at(-1)!;
  for (const c of closing) if (c.args.every((arg) => !(arg instanceof Result) || (arg.of !== kept && values.has(arg.of)))) performNow(c, resolve);
  return value;
}
