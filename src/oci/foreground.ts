/**
 * A container's process in the foreground, for `run` and `exec` without --detach: its end is waited for, signals are passed on to it,
 * and where it has a terminal of its own, that is connected with ours.
 */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { waitFlags } from '../kernel/flags.ts';
import { rawSyscallAsync } from '../kernel/ffi.ts';
import { openProcess, signalProcess, type ProcessIdentity } from '../kernel/process.ts';
import { relayTerminal } from './terminal-relay.ts';

/** Signals that are for us alone: of our own children, of our terminal, and those that stop or cannot be caught. */
const notPassed = new Set(['SIGCHLD', 'SIGKILL', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGWINCH', 'SIGURG', 'SIGPIPE', 'SIGPROF']);
/** Of Node's own use, or of ours. */
const unhandled = new Set(['SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL', 'SIGABRT', 'SIGTRAP', 'SIGIOT', 'SIGPOLL', 'SIGIO', 'SIGUNUSED', 'SIGSYS', 'SIGSTKFLT']);

/** The signals that we are sent, caught since this was made; those from before there was a process to pass them on to, too. */
export class CaughtSignals {
  readonly #names = Object.keys(constants.signals).filter((name) => !notPassed.has(name) && !unhandled.has(name));
  #waiting: number[] = [];
  #pidfd: number | undefined;

  /** Begins to catch. Before the process is there: it may say that it is up at once, and be sent one. */
  constructor() {
    for (const name of this.#names) process.on(name, this.#pass);
  }

  readonly #pass = (name: NodeJS.Signals, number: number): void => {
    const signal = number || constants.signals[name];
    if (this.#pidfd === undefined) this.#waiting.push(signal);
    else signalProcess(this.#pidfd, signal);
  };

  /** Passes them on to a process, from now on. */
  passTo(target: ProcessIdentity): void {
    this.#pidfd = openProcess(target);
    if (this.#pidfd !== undefined) for (const signal of this.#waiting.splice(0)) signalProcess(this.#pidfd, signal);
  }

  /** Catches no more. */
  [Symbol.dispose](): void {
    for (const name of this.#names) process.off(name, this.#pass);
    if (this.#pidfd !== undefined) closeSync(this.#pidfd);
  }
}

/**
 * Waits for a child's end, and passes signals on to it.
 * @param terminal the master of its terminal; ours becomes raw, and the two are connected
 * @returns its exit status as a shell counts: 128 and the signal's number where a signal ended it
 */
export async function waitInForeground(child: ProcessIdentity, terminal: number | undefined, signals: CaughtSignals): Promise<number> {
  signals.passTo(child);
  const relay = terminal === undefined ? undefined : await relayTerminal(terminal);
  const status = new Uint8Array(4);
  await rawSyscallAsync('wait4', child.pid, status, waitFlags.__WALL, null);
  await relay?.drained();
  const value = new DataView(status.buffer).getInt32(0, true);
  return (value & 0x7f) === 0 ? value >> 8 : 128 + (value & 0x7f);
}
