/** Signals that reach the client go to the container's process instead, as if it were a child of the shell's. */

const forwarded: readonly NodeJS.Signals[] = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
  'SIGWINCH',
];

export interface SignalProxy {
  /** From now on signals are sent; those that came before are sent first. */
  open(): void;
  close(): void;
}

/**
 * Catches signals from now on and holds them until `open`.
 * @param terminal the container has a terminal: then the size's change is told by a resize, not by a signal
 * @param deliver sends one to the container
 */
export function proxySignals(terminal: boolean, deliver: (signal: string) => Promise<unknown>): SignalProxy {
  const held: string[] = [];
  let isOpen = false;
  let interrupts = 0;
  const send = (signal: string): void => {
    // The container may have ended just now; its exit code will tell.
    deliver(signal).catch(() => {});
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if ((signal === 'SIGINT' || signal === 'SIGTERM') && ++interrupts === 3) {
      process.stderr.write('\nhako: got 3 SIGTERM/SIGINTs, forcefully exiting\n');
      process.exit(1);
    }
    if (isOpen) send(signal);
    else held.push(signal);
  };
  const signals = forwarded.filter((signal) => !(terminal && signal === 'SIGWINCH'));
  for (const signal of signals) process.on(signal, onSignal);
  return {
    open() {
      isOpen = true;
      for (const signal of held.splice(0)) send(signal);
    },
    close() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
