/** Why a process did not become its program, as whoever asked for it is told. */
import { describeFailure, type Monitor } from './monitor.ts';

/** A process that could not be started, for a reason of the image's or the user's; `code` is the exit code that says so. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly code: 125 | 126 | 127;
  /** Of the call that failed before execve. */
  readonly errno: number | undefined;
  constructor(code: 125 | 126 | 127, message: string, errno?: number) {
    super(message);
    this.code = code;
    this.errno = errno;
  }
}

/** The error of a process that ended on its way: of the call that failed, if one did. */
export function failed(monitor: Monitor): Error {
  const failure = monitor.failure();
  if (failure) return new StartError(125, describeFailure(failure), failure.errno);
  const verdict = monitor.verdict();
  if (verdict) return new StartError(verdict.code, verdict.message);
  return new StartError(125, monitor.outOfMemory() ?? 'the process was ended before its program began (killed, or out of memory)');
}
