/** Giving up a process on its way to its program: it is killed, its monitor ends, and nothing of it is left. */
import { closeSync } from 'node:fs';
import { call } from '../kernel/call.ts';
import { performNow } from '../kernel/perform.ts';
import { openProcess, signalProcess } from '../kernel/process.ts';
import { processOf, type Monitor } from './monitor.ts';
import { ContainerProcess } from './process.ts';
import type { Meeting } from './rendezvous-steps.ts';

/** Ends a process that will not be started after all, and its monitor. */
export async function abandon(monitor: Monitor, meeting: Meeting): Promise<number> {
  meeting.close();
  // A monitor that still waits for a terminal goes on when a byte comes without one.
  performNow(call('write', [monitor.control, 'x', 1]));
  const unknown = { pid: 0, startTime: '' };
  const ended = new ContainerProcess(
    { process: unknown, monitor: { pid: monitor.pid, startTime: '' }, control: 0, statusOffset: monitor.statusOffset, held: {} },
    {},
    -1,
    monitor.tableFd,
    monitor.control,
  );
  endProcess(monitor);
  // The monitor may have been on its way to the clone.
  const again = setInterval(() => endProcess(monitor), 5);
  await ended.exited;
  clearInterval(again);
  ended.release();
  return 0;
}

/** Kills a monitor's process, if it has come to be and still is. */
function endProcess(monitor: Monitor): void {
  const process = processOf(monitor);
  const pidfd = process && openProcess(process);
  if (pidfd === undefined) return;
  signalProcess(pidfd, 9);
  closeSync(pidfd);
}
