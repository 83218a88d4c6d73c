/**
 * Joining a cgroup, made for the launcher: a new process does it itself, before it changes its root or its user.
 *
 * In v1 it writes `0` (itself) to `tasks`. That is the one way to move that needs no lock on the process's thread
 * group; the lock that `cgroup.procs` takes costs a grace period of RCU, 4 to 16 ms on an idle machine, and stops every
 * fork on it meanwhile. A new process has one thread, so that moving one thread moves it all.
 * In v2 it is born in its cgroup: CLONE_INTO_CGROUP with {@link unifiedDirectory}. (v2's `cgroup.procs` would cost the same lock.)
 * Figures: docs/decisions/cgroup-join.md.
 *
 * unshare(CLONE_NEWCGROUP) comes after joining: the namespace's root is where the process is at that moment.
 * (CLONE_NEWCGROUP in clone3 is enough for version 2 alone: with CLONE_INTO_CGROUP its root is the new cgroup there. In
 * v1 it is the parent's.)
 */
import { call, result, Unknown, type Known } from '../../kernel/call.ts';
import { AT_FDCWD, openFlags } from '../../kernel/flags.ts';
import { word } from '../../step/shell.ts';
import { step, type Procedure, type Step } from '../../step/step.ts';
import { inCgroup } from '../init-goals.ts';
import { enterGroupStep } from '../resctrl.ts';
import { directoryIn, unifiedDirectory, type Cgroup } from './cgroup.ts';
import { titleOf } from './layout.ts';

/** Options of {@link joinSteps}. */
export interface JoinOptions {
  /** How the process gets into the v2 tree: `clone` (CLONE_INTO_CGROUP, no step here; the default) or `write`, slower. */
  readonly unified?: 'clone' | 'write';
}

/**
 * The steps with which the process that runs them enters a cgroup. Paths are the host's. For a process with one thread.
 */
export function joinSteps(cgroup: Cgroup, options: JoinOptions = {}): Step[] {
  const joins = cgroup.hierarchies
    .filter((h) => h.version === 1 || options.unified === 'write')
    .map((hierarchy) => {
      const path = `${directoryIn(hierarchy, cgroup.path)}/${hierarchy.version === 1 ? 'tasks' : 'cgroup.procs'}`;
      const open = call('openat', [AT_FDCWD, path, openFlags.O_WRONLY | openFlags.O_CLOEXEC, 0], { label: 'fd' });
      return {
        id: 'cgroup.join',
        what: `Enter the cgroup ${cgroup.path} of ${titleOf(hierarchy)}`,
        calls: [open, call('write', [result(open), Buffer.from('0'), 1]), call('close', [result(open)])],
        get shell() {
          return `echo 0 >${word(path)}`;
        },
        get hand() {
          return `echo $PID >${word(path)}`;
        },
        look: 'cat /proc/$PID/cgroup',
        goal: inCgroup(hierarchy.version === 2 ? [] : [...hierarchy.controllers, ...(hierarchy.name ? [hierarchy.name] : [])], cgroup.path),
      };
    });
  return cgroup.resctrl === undefined ? joins : [...joins, enterGroupStep(cgroup.resctrl)];
}

/** Opens the cgroup's directory in the v2 tree, for CLONE_INTO_CGROUP, until the procedure ends; undefined where there is no such tree. */
export function* openCgroup(cgroup: Cgroup): Procedure<Known | undefined> {
  const directory = unifiedDirectory(cgroup);
  if (directory === undefined) return undefined;
  const open = call('openat', [AT_FDCWD, directory, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC, 0], { label: 'cgroup' });
  return yield* step<Known>({
    id: 'cgroup.open',
    what: `Open ${directory}, for the process to be born in`,
    calls: [open],
    get shell() {
      return `export CGROUP=${word(directory)}`;
    },
    get look() {
      return `cat ${word(directory)}/cgroup.procs`;
    },
    finally: [call('close', [result(open)])],
    result: (returned) => returned[0]!,
    unknown: new Unknown('CGROUP'),
  });
}
