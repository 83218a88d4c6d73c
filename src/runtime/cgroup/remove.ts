/** Removing a cgroup. The kernel refuses while a process is in it, and a killed process leaves a moment later. */
import { call, type Call } from '../../kernel/call.ts';
import { awaitChange, cgroupTree, readKeyed, readNumbers } from '../../kernel/cgroupfs.ts';
import { errno } from '../../kernel/errno.ts';
import { rawSyscall } from '../../kernel/ffi.ts';
import { AT_FDCWD, atFlags } from '../../kernel/flags.ts';
import { word, words } from '../../step/shell.ts';
import { step, type Procedure } from '../../step/step.ts';
import { directoryIn, type CgroupPlace } from './cgroup.ts';

/** How long a cgroup may take to become empty after its processes were killed, in milliseconds. */
const patience = 2000;

/** The call that removes one cgroup directory. While it is busy, it waits for the last process to leave. @param undoes the call that made it */
export function removeDirectory(directory: string, undoes?: Call): Call {
  const rmdir = call('unlinkat', [AT_FDCWD, directory, atFlags.AT_REMOVEDIR], { accept: [errno.ENOENT], ...(undoes && { undoes }) });
  return { ...rmdir, perform: () => patiently(directory) };
}

function patiently(directory: string): number | Promise<number> {
  let answer = tryToRemove(directory);
  if (answer !== -errno.EBUSY) return answer;
  // A process can be gone from cgroup.procs and still be on its way out, so the removal itself is the test. With
  // processes in it, waiting for the kernel's event saves the tries.
  const removed = (): boolean => (readNumbers(`${directory}/cgroup.procs`)?.length ? false : (answer = tryToRemove(directory)) !== -errno.EBUSY);
  const events = `${directory}/cgroup.events`;
  return awaitChange(readKeyed(events) && events, removed, patience).then(() => answer);
}

const tryToRemove = (directory: string): number => rawSyscall('unlinkat', AT_FDCWD, directory, atFlags.AT_REMOVEDIR);

/**
 * Removes a cgroup from every hierarchy, with the cgroups below it, deepest first. Those already gone are no failure.
 * Its processes must have been killed ({@link killAll}); the last ones get two seconds to leave.
 */
export function* removeCgroup(cgroup: CgroupPlace): Procedure {
  const directories = cgroup.hierarchies.toReversed().flatMap((h) => cgroupTree(directoryIn(h, cgroup.path)).toReversed());
  if (directories.length === 0) return;
  yield* step({
    id: 'cgroup.remove',
    what: `Remove the cgroup ${cgroup.path} from ${cgroup.hierarchies.length} hierarchies`,
    calls: directories.map((directory) => removeDirectory(directory)),
    shell: `rmdir ${words(directories)}`,
    look: `ls -d /sys/fs/cgroup${word(cgroup.path)} /sys/fs/cgroup/*${word(cgroup.path)}`,
    undone: 'is itself the end of something',
  });
}
