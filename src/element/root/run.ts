/**
 * A program under another root, in the two ways that Linux has: chroot(2), which changes where one process begins to look up `/`, and
 * pivot_root(2), which changes the root of a mount namespace so that the old one can be let go of. Side by side they show why
 * containers use the second.
 */
import { statSync } from 'node:fs';
import { call, result, Unknown, type Known } from '../../kernel/call.ts';
import { cloneFlags } from '../../kernel/flags.ts';
import { cloneTree, mountStep } from '../../runtime/rootfs/mount-steps.ts';
import { attachRootStep, pivotStep, propagationStep } from '../../runtime/rootfs/root-steps.ts';
import { mountOverlay, type Layers } from '../../runtime/rootfs/rootfs.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure, type Step } from '../../step/step.ts';
import { foreground } from '../foreground.ts';
import { ElementError } from '../interpret.ts';

/** Which of the two ways. */
export type RootWay = 'chroot' | 'pivot';

/** A directory of this machine, or layers that are stacked at a directory of their own. */
export type NewRoot = { readonly directory: string } | { readonly layers: Layers & { readonly target: string } };

/** What is to be run, and where. */
export interface RootRun {
  readonly way: RootWay;
  readonly root: NewRoot;
  /** Mount a procfs in it. */
  readonly proc: boolean;
  readonly args: readonly string[];
  readonly env: readonly string[];
}

/** Runs the program. @returns its exit code @throws ElementError when the directory is none */
export function* runInRoot({ way, root, proc, args, env }: RootRun): Procedure<number> {
  const { tree, target, steps } = yield* rootSteps(way, root, proc);
  return yield* foreground({
    name: way,
    flags: tree === undefined ? 0 : cloneFlags.CLONE_NEWNS,
    inside: steps,
    inherit: tree === undefined ? [] : [tree],
    args,
    env,
    shell: tree === undefined ? 'sh' : `unshare --mount --propagation unchanged sh  # then, in it, as far as ${target}`,
  });
}

/** What is opened for a new root, and what the process does to have it. */
export interface RootSteps {
  /** The new root as a mount that is attached nowhere; absent where a directory is enough. */
  readonly tree: Known | undefined;
  readonly target: string;
  readonly steps: readonly Step[];
}

/** The steps of either way. @throws ElementError when the directory is none */
export function* rootSteps(way: RootWay, root: NewRoot, proc: boolean): Procedure<RootSteps> {
  const target = 'layers' in root ? root.layers.target : checkDirectory(root.directory);
  // A chroot needs no mount, and so no mount namespace, unless something is to be mounted.
  const tree = 'layers' in root ? yield* mountOverlay(root.layers) : way === 'pivot' || proc ? yield* takeTree(target) : undefined;
  const procfs = { type: 'proc', source: 'proc', destination: '/proc', options: ['nosuid', 'nodev', 'noexec'] };
  const steps = [
    ...(tree === undefined ? [] : [propagationStep('private'), attachRootStep(tree, target, false), ...(proc ? [mountStep(tree, procfs)] : [])]),
    way === 'pivot' ? pivotStep(tree!) : chrootStep(target),
  ];
  return { tree, target, steps };
}

/** @throws ElementError */
function checkDirectory(directory: string): string {
  let code: string | undefined;
  try {
    if (statSync(directory).isDirectory()) return directory;
  } catch (error) {
    ({ code } = error as NodeJS.ErrnoException);
  }
  throw new ElementError(
    `${directory} can't be a root: ${code ? `stat of it failed (${code})` : 'it is no directory'}; name a directory, or an image of the engine`,
    125,
  );
}

/** Changes where this process, and what it starts, begins to look up `/`. Nothing else is changed: not even its working directory, hence the second call. */
function chrootStep(directory: string): Step {
  return {
    id: 'root.chroot',
    what: `Begin every path at ${directory}, in this process and what it starts`,
    calls: [call('chroot', [directory]), call('chdir', ['/'])],
    shell: `chroot ${directory} COMMAND`,
    look: 'ls -ld /proc/$PID/root /proc/$PID/cwd',
  };
}

/** A copy of a directory's tree as a mount of its own: pivot_root(2) takes nothing but a mount point. */
function takeTree(directory: string): Procedure<Known> {
  const open = cloneTree(directory, true);
  return step<Known>({
    id: 'root.tree',
    what: `Take ${directory} as a mount of its own, attached nowhere yet`,
    calls: [open],
    shell: `mount --bind ${word(directory)} ${word(directory)}`,
    look: `findmnt -T ${word(directory)}`,
    finally: [call('close', [result(open)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown('TREE'),
  });
}
