/** The working directory of a program: made where it is missing, and entered by who may. See openat2(2), fchdir(2), setfsuid(2). */
import { call, result, type Call } from '../kernel/call.ts';
import { errno } from '../kernel/errno.ts';
import { accessModes, AT_FDCWD, openFlags, resolveFlags } from '../kernel/flags.ts';
import { word } from '../step/shell.ts';
import type { Jump, Step } from '../step/step.ts';
import { openHow } from './rootfs/mount-steps.ts';

/** Opens a directory. No link of /proc/PID/fd leads to a descriptor of the host's (CVE-2024-21626). */
const openDirectory = (path: string): Call =>
  call('openat2', [AT_FDCWD, path, openHow(openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, resolveFlags.RESOLVE_NO_MAGICLINKS), 24], {
    label: 'cwd',
  });

/** Makes a directory, and those above it, in the container's root: also where that is a mount, which nobody could look into before. */
export function makeDirectoryStep(cwd: string): Step {
  const there = call('faccessat2', [AT_FDCWD, cwd, accessModes.F_OK, 0]);
  const names = cwd.split('/').filter((name) => name !== '' && name !== '.');
  const makes = names.flatMap((name, i) => {
    const parent = openDirectory(`/${names.slice(0, i).join('/')}`);
    return [parent, call('mkdirat', [result(parent), name, 0o755], { accept: [errno.EEXIST] })];
  });
  return {
    id: 'process.make-directory',
    what: `Make ${cwd} where it is missing`,
    calls: [there, ...makes],
    jumps: new Map<Call, Jump>([[there, { onZero: 'done', onError: makes[0]! }]]),
    shell: `\${host}mkdir -p ${word(cwd)}`,
    look: `ls -ld /proc/$PID/root${word(cwd)}`,
  };
}

/**
 * Goes to the working directory, and sets the mask of new files' modes.
 * @param as who may try where root may not: its own file systems (FUSE, NFS) keep it out of some
 */
export function directoryStep(cwd: string, umask = 0o022, as?: { readonly uid: number; readonly gid: number }): Step {
  const directory = openDirectory(cwd);
  const go = call('fchdir', [result(directory)]);
  const mask = call('umask', [umask]);
  const { calls, jumps }: Pick<Step, 'calls' | 'jumps'> = as && (as.uid !== 0 || as.gid !== 0) ? asUser(as) : { calls: [directory, go, mask] };
  return {
    id: 'process.directory',
    what: `Go to ${cwd}`,
    calls,
    ...(jumps ? { jumps } : {}),
    get shell() {
      return `cwd=${word(cwd)} # env(1) goes there in the end\numask ${umask.toString(8).padStart(4, '0')}`;
    },
    look: 'ls -l /proc/$PID/cwd',
  };

  /** Tries as root, and then as the user. */
  function asUser({ uid, gid }: { readonly uid: number; readonly gid: number }): Pick<Step, 'calls' | 'jumps'> {
    const again = openDirectory(cwd);
    const become = [call('setfsgid', [gid]), call('setfsuid', [uid])];
    const rootAgain = [call('setfsuid', [0]), call('setfsgid', [0])];
    return {
      calls: [directory, go, ...become, again, call('fchdir', [result(again)]), ...rootAgain, mask],
      jumps: new Map<Call, Jump>([
        [directory, { onError: become[0]! }],
        [go, { onZero: mask, onError: become[0]! }],
      ]),
    };
  }
}
