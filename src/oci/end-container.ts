/** Ends the processes of a container, for `delete --force`. */
import { call } from '../kernel/call.ts';
import { signals } from '../kernel/flags.ts';
import { perform, performNow } from '../kernel/perform.ts';
import { awaitEnd, openProcess, signalProcess } from '../kernel/process.ts';
import { killAll } from '../runtime/cgroup/kill.ts';
import { apply, type Kernel } from '../step/apply.ts';
import { placeOf } from './cgroup-place.ts';
import type { ContainerRecord } from './container-record.ts';
import { OciError } from './error.ts';

/** How long a killed process may take to end, in milliseconds; one in an uninterruptible wait (a dead NFS server) never does. */
const patience = 10_000;

/** Kills the container with its first process, and waits until that has ended. */
export async function endFirstProcess(record: ContainerRecord, kernel?: Kernel): Promise<void> {
  const pidfd = record.process && openProcess(record.process);
  try {
    await endOthers(record, kernel);
    if (pidfd === undefined) return;
    signalProcess(pidfd, signals.SIGKILL);
    if (!(await awaitEnd(pidfd, patience)))
      throw new OciError(
        `the process ${record.process!.pid} of the container ${record.id} was killed and does not end: it may wait for a device or a network file system`,
      );
  } finally {
    if (pidfd !== undefined) performNow(call('close', [pidfd]));
  }
}

/** Kills all processes that are in the container's cgroup. */
export async function endOthers({ cgroup }: ContainerRecord, kernel: Kernel = { call: perform }): Promise<void> {
  const place = placeOf(cgroup);
  if (place.hierarchies.length > 0) await apply(killAll(place), { kernel });
}
