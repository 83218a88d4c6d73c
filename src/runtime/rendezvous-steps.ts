/**
 * The points where a new process waits for who cloned it: it writes a byte to a socket when it has come to a point where something must
 * be done for it, and reads one before it goes on.
 */
import { call, type Known } from '../kernel/call.ts';
import type { Step } from '../step/step.ts';

/** The other end of a process's socket. */
export interface Meeting {
  /** Waits for the process to arrive; false when it has ended, or become its program, instead. */
  arrival(): boolean | Promise<boolean>;
  /** Lets the process go on. */
  release(): void;
  /** Waits until the process's end is closed. */
  ended(): void | Promise<void>;
  /** Gives up: a process that waits reads end of file. */
  close(): void;
}

/** The process's side: says that it has arrived, and waits. If the engine is gone, it gets nothing and ends. */
export function waitForEngine(sync: number, what: string): Step {
  const answer = new Uint8Array(8);
  return {
    id: 'process.wait',
    what,
    calls: [call('write', [sync, 'x', 1]), call('read', [sync, answer, 1])],
    shell: 'read -r PID _ </proc/self/stat\necho "$PID" >&6\nread -r _ <&7',
    look: 'cat /proc/$PID/wchan',
  };
}

/** Waits, as soon as there is a filter that hands calls over, for its listener to be taken: nobody answers for such a call before. */
export function waitForSupervisor(sync: number): Step {
  return waitForEngine(sync, 'Wait for the listener of the filter to be handed over');
}

/**
 * Says that the container is created, waits until that is noted, so that whoever looks for the process finds it (its creator may be
 * killed at any moment: then it ends with it), and waits for its start: a byte in a FIFO, which the process holds open for reading and writing, so
 * that whoever opens it for writing without waiting finds either the process or nobody (ENXIO). See fifo(7), runtime-spec "create", "start".
 */
export function startGateStep(sync: number, gate: Known): Step {
  return {
    id: 'process.created',
    what: 'Say that it is created, and wait to be started',
    calls: [call('write', [sync, 'x', 1]), call('read', [sync, new Uint8Array(8), 1]), call('read', [gate, new Uint8Array(8), 1])],
    shell: 'read -r _ <"$TMP"/start',
    look: 'cat /proc/$PID/wchan',
  };
}
