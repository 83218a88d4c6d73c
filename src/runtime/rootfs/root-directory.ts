/** A container's root that is a directory of the host's: the bundle's `rootfs`. */
import { result, Unknown, call, type Known } from '../../kernel/call.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure, type Step } from '../../step/step.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { cloneTree } from './mount-steps.ts';
import { mayMount, opening } from '../taking.ts';

/** The copy of a directory, with what is mounted in it, as a mount of its own that is attached nowhere yet. @param path absolute */
export function rootDirectoryStep(path: string): Step<Known> {
  const tree = cloneTree(path, true);
  return {
    id: 'mount.root-directory',
    what: `Take ${path} as the root`,
    calls: [tree],
    get shell() {
      return `mount --rbind ${word(path)} "$ROOT"`;
    },
    get look() {
      return `findmnt -R ${word(path)}`;
    },
    undone: 'is attached nowhere: the kernel takes it away with its last descriptor, or the last process in it',
    finally: [call('close', [result(tree)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown('ROOTFD'),
  };
}

/** Takes the copy; who may not make one opens the directory, and has the process make it. */
export function takeRootDirectory(path: string): Procedure<Known> {
  if (mayMount()) return step(rootDirectoryStep(path));
  const open = call('openat', [AT_FDCWD, path, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0], { label: 'rootfd' });
  const lines = { shell: () => `test -d ${word(path)}`, look: () => `ls -la ${word(path)}` };
  return step(opening('mount.root-directory', `Open ${path}, which is to be the root`, open, lines));
}
