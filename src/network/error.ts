/** A network failure that is told to the user as it is: one sentence that says what failed, why, and what to do. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  /** An errno's name, such as `EADDRINUSE`, where the kernel said no. */
  readonly code: string | undefined;
  constructor(message: string, code?: string) {
    super(message);
    this.code = code;
  }
}
