/**
 * The listener of a seccomp filter with SCMP_ACT_NOTIFY: the descriptor by which a supervisor answers for the calls that are handed
 * over. The process that loads the filter gets it, stops, and has it taken by pidfd_getfd(2): it cannot send it by itself, since the
 * call with which it would may be one that now waits for the supervisor.
 * See seccomp_unotify(2), and config-linux.md of the OCI runtime specification, "The Container Process State".
 */
import { closeSync } from 'node:fs';
import { call, result, Unknown } from '../../kernel/call.ts';
import { KernelError } from '../../kernel/errno.ts';
import { connectSocket, sendDescriptor } from '../../kernel/unix-socket.ts';
import type { Step } from '../../step/step.ts';
import type { SeccompSpec } from '../spec.ts';

/** Who supervises. */
export interface Supervisor {
  /** Of the unix socket on which it listens. */
  readonly path: string;
  /** What it is told with the descriptor. @param pid of the process that has the filter */
  readonly state: (pid: number) => string;
}

/** Whether a filter hands calls over to a supervisor. */
export function notifies(spec: SeccompSpec | undefined): spec is SeccompSpec {
  return spec?.syscalls?.some(({ action }) => action === 'SCMP_ACT_NOTIFY') ?? false;
}

/**
 * Sends the listener to the supervisor, in one message.
 * @param take gives a copy of the descriptor, or a negative errno
 */
export function handOverStep({ path, state }: Supervisor, take: () => number, pid: () => number): Step {
  let listener = -1;
  const send = (): number => {
    const socket = connectSocket(path);
    try {
      sendDescriptor(socket, listener, Buffer.from(state(pid())));
      return 0;
    } finally {
      closeSync(socket);
    }
  };
  let detail: string | undefined;
  const sendOrSay = (): number => {
    try {
      return send();
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      detail = error.message;
      return -error.errno;
    }
  };
  const taking = call('pidfd_getfd', [new Unknown('PIDFD'), new Unknown('LISTENER'), 0], { perform: () => (listener = take()), label: 'listener' });
  return {
    id: 'seccomp.listener',
    what: `Hand the filter's listener over to the supervisor at ${path}`,
    calls: [taking, call('sendmsg', [new Unknown('SUPERVISOR'), new Unknown('MESSAGE'), 0], { perform: sendOrSay, failureDetail: () => detail })],
    finally: [call('close', [result(taking)])],
    shell: '# No command takes a descriptor from a process and sends it on.',
    look: 'ls -l /proc/$SUPERVISOR/fd | grep seccomp',
    undone: 'belongs to the supervisor, who is told when the last process with the filter has ended',
  };
}
