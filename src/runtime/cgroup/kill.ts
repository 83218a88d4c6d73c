/** Killing all processes of a cgroup, none excepted. */
import { existsSync } from 'node:fs';
import { call, result, Unknown, type Known } from '../../kernel/call.ts';
import { cgroupTree, readText } from '../../kernel/cgroupfs.ts';
import { errno } from '../../kernel/errno.ts';
import { signals } from '../../kernel/flags.ts';
import { word } from '../../step/shell.ts';
import { StepError } from '../../step/apply.ts';
import { step, type Procedure } from '../../step/step.ts';
import { directoryIn, directoryOf, processes, unifiedDirectory, type CgroupPlace } from './cgroup.ts';
import { freeze, thaw } from './freeze.ts';
import { writeCalls } from './write.ts';

/** After so many rounds a cgroup that can not be frozen is still making processes faster than we end them. */
const mostRounds = 100;
const cannotBe = 'cannot be: what has ended has ended';

/**
 * Kills all processes of the cgroup and of those below it; none is no failure, nor a cgroup that is gone.
 * They are gone a moment later: {@link removeCgroup} waits.
 *
 * Version 2 does it in one write (cgroup.kill, since Linux 5.14), which also catches what is being forked. Otherwise the
 * cgroup is frozen first, so that its processes can neither fork nor exit, and each is signalled by a pidfd that is
 * proven to be of the cgroup after it was opened: a process id that came into other hands is never signalled.
 */
export function* killAll(cgroup: CgroupPlace): Procedure {
  const unified = unifiedDirectory(cgroup);
  if (unified !== undefined && existsSync(`${unified}/cgroup.kill`)) {
    const path = `${unified}/cgroup.kill`;
    try {
      yield* step({
        id: 'cgroup.kill',
        what: `Kill all processes of ${cgroup.path}`,
        ...writeCalls(path, '1'),
        shell: `echo 1 >${word(path)}`,
        look: `cat ${word(unified)}/cgroup.procs`,
        undone: cannotBe,
      });
    } catch (error) {
      // Somebody else has just removed it.
      if (!(error instanceof StepError) || existsSync(path)) throw error;
    }
    yield* thawOld(cgroup);
    return;
  }
  if (processes(cgroup).length === 0) return; // or it is gone
  const canFreeze = unified !== undefined || directoryOf(cgroup, 'freezer') !== undefined;
  if (canFreeze) yield* freeze(cgroup);
  for (let round = 0; round < mostRounds; round++) {
    const left = processes(cgroup);
    if (left.length === 0) break;
    yield* signalEach(cgroup, left);
    if (canFreeze) break; // frozen, so there are no new ones
  }
  if (canFreeze) yield* thaw(cgroup);
}

/** Beside a version 2 tree there may be the freezer of version 1: what that has frozen does not die before it is thawed. */
function* thawOld(cgroup: CgroupPlace): Procedure {
  const freezer = cgroup.hierarchies.find((h) => h.version === 1 && h.controllers.includes('freezer'));
  if (!freezer) return;
  for (const directory of cgroupTree(directoryIn(freezer, cgroup.path)))
    if ((readText(`${directory}/freezer.state`) ?? 'THAWED') !== 'THAWED')
      yield* thaw({ ...cgroup, path: directory.slice(freezer.mountPoint.length), hierarchies: [freezer] });
}

function* signalEach(cgroup: CgroupPlace, pids: readonly number[]): Procedure {
  const opens = pids.map((pid) => call('pidfd_open', [pid, 0], { accept: [errno.ESRCH], label: `pidfd_${pid}` }));
  const pidfds = yield* step<readonly Known[]>({
    id: 'cgroup.kill.open',
    what: `Open the ${pids.length} processes of ${cgroup.path}`,
    calls: opens,
    shell: '# A shell has no pidfd; it takes the risk that a process id has changed hands.',
    look: `cat /sys/fs/cgroup/*${word(cgroup.path)}/cgroup.procs`,
    finally: opens.map((open) => call('close', [result(open)])),
    result: (descriptors) => descriptors,
    unknown: pids.map((pid) => new Unknown(`pidfd_${pid}`)),
  });
  const still = new Set(processes(cgroup));
  const targets = pidfds.filter((fd, i) => (fd instanceof Unknown || fd >= 0) && still.has(pids[i]!));
  yield* step({
    id: 'cgroup.kill.each',
    what: 'Kill each of them',
    calls: targets.map((fd) => call('pidfd_send_signal', [fd, signals.SIGKILL, null, 0], { accept: [errno.ESRCH] })),
    shell: `kill -9 ${pids.join(' ')}`,
    look: `cat /sys/fs/cgroup/*${word(cgroup.path)}/cgroup.procs`,
    undone: cannotBe,
  });
}
