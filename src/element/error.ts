/** Why the kernel does not show what belongs to a process: see ptrace(2), "Ptrace access mode checking". */
export const hiddenBecause = (many = false): string =>
  `${many ? 'they belong' : 'it belongs'} to another user, or ${many ? 'have' : 'has'} capabilities that hako has not`;

/** Advice that is none to who is root already. */
export const unlessRoot = (advice: string): string => (process.geteuid?.() === 0 ? '' : advice);

/** What a user asked for cannot be: one sentence, and the exit code that says so. */
export class ElementError extends Error {
  override readonly name = 'ElementError';
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
