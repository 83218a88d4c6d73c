/** The values that a seccomp filter returns, and how a profile's words become them. See seccomp(2) and config-linux.md of the OCI runtime specification. */
import { errnoName } from '../../kernel/errno.ts';

/** SECCOMP_RET_ values; the low 16 bits carry data: the errno of ERRNO, the message of TRACE. */
export const seccompReturn = {
  KILL_PROCESS: 0x80000000,
  KILL_THREAD: 0x00000000,
  TRAP: 0x00030000,
  ERRNO: 0x00050000,
  USER_NOTIF: 0x7fc00000,
  TRACE: 0x7ff00000,
  LOG: 0x7ffc0000,
  ALLOW: 0x7fff0000,
} as const;

const EPERM = 1;
export const ENOSYS = 38;
/** The largest errno that the kernel lets a filter return; it cuts larger ones down to this. */
const maxErrno = 4095;

const actions: Readonly<Record<string, { readonly value: number; readonly data?: number }>> = {
  SCMP_ACT_KILL: { value: seccompReturn.KILL_THREAD },
  SCMP_ACT_KILL_THREAD: { value: seccompReturn.KILL_THREAD },
  SCMP_ACT_KILL_PROCESS: { value: seccompReturn.KILL_PROCESS },
  SCMP_ACT_TRAP: { value: seccompReturn.TRAP },
  SCMP_ACT_ERRNO: { value: seccompReturn.ERRNO, data: maxErrno },
  SCMP_ACT_TRACE: { value: seccompReturn.TRACE, data: 0xffff },
  SCMP_ACT_LOG: { value: seccompReturn.LOG },
  SCMP_ACT_NOTIFY: { value: seccompReturn.USER_NOTIF },
  SCMP_ACT_ALLOW: { value: seccompReturn.ALLOW },
};

/** A seccomp profile that cannot be used. The message says what in it is wrong. */
export class SeccompError extends Error {
  override readonly name = 'SeccompError';
}

/**
 * The filter's return value for an action such as `SCMP_ACT_ERRNO`.
 * @param errnoRet the errno of ERRNO and the message of TRACE; EPERM when absent
 * @throws SeccompError for an unknown action, or an errno where the action takes none
 */
export function actionValue(action: string, errnoRet?: number): number {
  const known = actions[action];
  if (!known) throw new SeccompError(`the seccomp profile has an unknown action '${action}': use one of ${Object.keys(actions).join(', ')}`);
  if (known.data === undefined) {
    if (errnoRet !== undefined)
      throw new SeccompError(`the seccomp profile gives an errno (${errnoRet}) with ${action}, which returns none: leave errnoRet out`);
    return known.value;
  }
  const data = errnoRet ?? EPERM;
  if (!Number.isInteger(data) || data < 0 || data > known.data) {
    throw new SeccompError(`the seccomp profile gives errnoRet ${data} with ${action}: it must be a whole number from 0 to ${known.data}`);
  }
  return known.value + data;
}

/** True for what lets the call happen: an unknown call is then left to the kernel too. */
export function lets(value: number): boolean {
  const action = (value & 0x7fff0000) >>> 0;
  return value < 0x80000000 && (action === seccompReturn.ALLOW || action === seccompReturn.LOG || action === seccompReturn.TRACE);
}

/** The action of a return value, without its data. */
export const actionOf = (value: number): number => ((value & 0xffff0000) >>> 0 === 0x80000000 ? seccompReturn.KILL_PROCESS : (value & 0x7fff0000) >>> 0);

/** `allowed`, `refused with EPERM`, `ends the process (SIGSYS)`, … */
export function actionWords(value: number): string {
  const data = value & 0xffff;
  switch (actionOf(value)) {
    case seccompReturn.ALLOW:
      return 'allowed';
    case seccompReturn.LOG:
      return 'allowed and logged';
    case seccompReturn.ERRNO:
      return `refused with ${errnoName(data)}`;
    case seccompReturn.TRAP:
      return 'refused by the signal SIGSYS';
    case seccompReturn.TRACE:
      return 'left to a tracer (refused with ENOSYS where there is none)';
    case seccompReturn.USER_NOTIF:
      return 'left to a supervisor';
    case seccompReturn.KILL_PROCESS:
      return 'ends the process (SIGSYS)';
    default:
      return 'ends the thread (SIGSYS)';
  }
}

/** Which of several filters' answers the kernel obeys: the most restrictive, in the order of seccomp(2). */
export function strictest(values: readonly number[]): number {
  // As signed numbers, the kernel's order: KILL_PROCESS is the least of all.
  return values.reduce((least, value) => ((actionOf(value) | 0) < (actionOf(least) | 0) ? value : least));
}
