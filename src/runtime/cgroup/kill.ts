/** Killing all processes of a cgroup, none excepted. */
import { existsSync } from 'node:fs';
import { call, result, Unknown, type Known } from '../../kernel/call.ts';
import { errno } from '../../kernel/errno.ts';
import { signals } from '../../kernel/flags.ts';
import { step, type Procedure } from '../../step/step.ts';
import { directoryOf, processes, unifiedDirectory, type Cgroup } from './cgroup.ts';
import { freeze, thaw } from './freeze.ts';
import { writeStep } from './write.ts';

/** After so many rounds a cgroup that can not be frozen is still making processes faster than we end them. */
const mostRounds = 100;

/**
 * Kills all processes of the cgroup and of those below it; none is no failure, nor a cgroup that is gone.
 * They are gone a moment later: {@link removeCgroup} waits.
 *
 * Version 2 does it in one write (cgroup.kill, since Linux 5.14), which also catches what is being forked. Otherwise the
 * cgroup is frozen first, so that its processes can neither fork nor exit, and each is signalled by a pidfd that is
 * proven to be of the cgroup after it was opened: a process id that came into other hands is never signalled.
 */
export function* killAll(cgroup: Cgroup): Procedure {
  const unified = unifiedDirectory(cgroup);
  if (unified !== undefined && existsSync(`${unified}/cgroup.kill`)) {
    yield* step(writeStep({ id: 'cgroup.kill', what: `Kill all processes of ${cgroup.path}`, path: `${unified}/cgroup.kill`, value: '1' }));
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

function* signalEach(cgroup: Cgroup, pids: readonly number[]): Procedure {
  const opens = pids.map((pid) => call('pidfd_open', [pid, 0], { accept: [errno.ESRCH], label: `pidfd_${pid}` }));
  const pidfds = yield* step<readonly Known[]>({
    id: 'cgroup.kill.open',
    what: `Open the ${pids.length} processes of ${cgroup.path}`,
    calls: opens,
    shell: '# A shell has no pidfd; it takes the risk that a process id has changed hands.',
    look: `cat /sys/fs/cgroup/*${cgroup.path}/cgroup.procs`,
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
    look: `cat /sys/fs/cgroup/*${cgroup.path}/cgroup.procs`,
  });
}
