/** What is wrong with a request itself, before the engine is asked. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  /** HTTP status of the answer. */
  readonly status: number;
  constructor(status: 400 | 404 | 408 | 413 | 501, message: string) {
    super(message);
    this.status = status;
  }
}

/** The status and sentence to answer for anything thrown; what is neither the client's nor the engine's known error is a 500. A start that was traced brings its trace. */
export function answerOf(error: unknown): { readonly status: number; readonly message: string; readonly trace?: unknown } {
  const { message } = error as Error;
  const { status, trace } = error as { status?: unknown; trace?: unknown };
  if (typeof status === 'number' && status >= 300 && status < 600) return { status, message, ...(trace === undefined ? {} : { trace }) };
  return { status: 500, message: message || 'The engine failed without saying why.' };
}
