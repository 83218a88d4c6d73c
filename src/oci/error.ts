/** What hako-oci says instead of doing what it was asked: one sentence for the log and for standard error. */

/** A request that is refused, or that failed. */
export class OciError extends Error {
  override readonly name = 'OciError';
  /** The exit status: 1, as runc's and crun's, unless a container's program is to blame (126, 127). */
  readonly code: number;
  constructor(message: string, code = 1) {
    super(message);
    this.code = code;
  }
}

/** What the system said of a file, without what it was asked: `no such file or directory (ENOENT)`. */
export function because(error: unknown): string {
  const { message } = error as Error;
  const [, code, reason] = /^(E[A-Z0-9]+): (.*?), \w+(?: '.*)?$/s.exec(message) ?? [];
  return code === undefined ? message : `${reason} (${code})`;
}

/** An error of the system that nobody foresaw, as a sentence; undefined for any other, which is a defect of ours. */
export function systemSentence(error: unknown): string | undefined {
  const { syscall, code, path } = error as NodeJS.ErrnoException;
  if (syscall === undefined || code === undefined) return undefined;
  const advice = path?.startsWith('/proc/self/') && code === 'ENOENT' ? ': mount a proc(5) at /proc' : '';
  return `${syscall.replace(/^uv_/, '')}${path === undefined ? '' : ` of ${path}`} failed: ${because(error)}${advice}`;
}
