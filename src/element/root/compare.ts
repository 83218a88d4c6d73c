/**
 * The two ways to another root, tried out: a child takes each in a mount namespace of its own, then tries the classic way out of a
 * chroot, which root can take: chroot once more, into a directory below, so that the working directory lies outside of the root, then
 * up and up, and chroot to where that ends. See chroot(2), NOTES.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { call, Struct, type Call } from '../../kernel/call.ts';
import { errno, errnoName } from '../../kernel/errno.ts';
import { AT_FDCWD, atFlags, cloneFlags } from '../../kernel/flags.ts';
import { readInChild } from '../../kernel/launch/child.ts';
import { step, type Procedure, type Step } from '../../step/step.ts';
import { isOf, statBuffer } from './identity.ts';
import { rootSteps, type NewRoot, type RootWay } from './run.ts';

/** What came of one way. */
export interface RootFinding {
  readonly way: RootWay;
  /** Why it could not be taken: the call and the errno's name. */
  readonly refused?: string;
  /** Whether the way out led to the host's root. */
  readonly escaped?: boolean;
  /** The errno's name, where a call of the way out was refused. */
  readonly stopped?: string;
}

/** How often it goes up: deeper than any path here. */
const ups = 64;

/** Takes a way, and tries to come out again. Nothing stays: the child's namespace and descriptors end with it. */
export function* tryOut(way: RootWay, root: NewRoot): Procedure<RootFinding> {
  const { steps } = yield* rootSteps(way, root, false);
  const directory = 'layers' in root ? root.layers.target : root.directory;
  const stat = statBuffer();
  const found = directoryIn(root);
  const wayOut = wayOutStep(found, stat);
  const enter = call('unshare', [cloneFlags.CLONE_NEWNS]);
  const calls = [enter, ...steps.flatMap((s) => s.calls), ...wayOut.calls];
  let finding: RootFinding = { way };
  const perform = (): number => {
    const { values, bytes } = readInChild(calls, stat);
    finding = judge(way, calls, wayOut.calls, values, bytes);
    return 0;
  };
  yield* step({
    id: 'root.try',
    what: `Have a child take ${directory} as its root by ${way === 'pivot' ? 'pivot_root' : 'chroot'}, and try to come out again`,
    calls: [call('clone3', [new Struct('{flags=CLONE_VM|CLONE_VFORK}', new Uint8Array(88)), 88], { perform })],
    inside: [enterStep(enter), ...steps, wayOut],
    shell: `unshare --mount sh`,
    look: 'ls -ld /proc/$PID/root',
    undone: 'ends with the child',
    // The child itself may be refused before it comes to that.
    ...(found === undefined
      ? {
          finally: [
            call('unlinkat', [AT_FDCWD, join('layers' in root ? root.layers.upper! : directory, made), atFlags.AT_REMOVEDIR], { accept: [errno.ENOENT] }),
          ],
        }
      : {}),
  });
  return finding;
}

/** A chroot needs no mount namespace; here it gets one, so that both ways are alike but for the one thing. */
function enterStep(enter: Call): Step {
  return {
    id: 'root.namespace',
    what: 'Have a mount namespace of its own',
    calls: [enter],
    shell: 'unshare --mount',
    look: 'readlink /proc/$PID/ns/mnt',
  };
}

/** Where the root has no directory to chroot into, the child makes this one. */
const made = '.way-out';

function wayOutStep(found: string | undefined, stat: Uint8Array): Step {
  const inner = found ?? made;
  return {
    id: 'root.way-out',
    what: 'Try the way out of a chroot: chroot below the working directory, go up, and chroot there',
    calls: [
      ...(found === undefined ? [call('mkdirat', [AT_FDCWD, made, 0o700])] : []),
      call('chroot', [inner]),
      ...Array.from({ length: ups }, () => call('chdir', ['..'])),
      call('chroot', ['.']),
      call('newfstatat', [AT_FDCWD, '/', stat, 0]),
    ],
    shell: `${found === undefined ? `mkdir ${made}; ` : ''}perl -e 'chroot "${inner}"; chdir ".." for 1..${ups}; chroot "."; exec "ls", "/"'`,
    look: 'ls -ld /proc/$PID/root',
  };
}

/** The name of a directory just below the root to be; undefined where there is none. */
function directoryIn(root: NewRoot): string | undefined {
  const directories = 'layers' in root ? root.layers.lower : [root.directory];
  return directories.flatMap((directory) => readdirSync(directory, { withFileTypes: true })).find((entry) => entry.isDirectory())?.name;
}

function judge(way: RootWay, calls: readonly Call[], wayOut: readonly Call[], values: readonly (number | undefined)[], stat: Uint8Array): RootFinding {
  const failed = values.findIndex((value, i) => value !== undefined && value < 0 && !calls[i]!.accept);
  const error = failed < 0 ? undefined : `${calls[failed]!.name}: ${errnoName(-values[failed]!)}`;
  if (error !== undefined && failed < calls.length - wayOut.length) return { way, refused: error };
  if (error !== undefined) return { way, escaped: false, stopped: error };
  return { way, escaped: isOf(stat, '/') };
}
