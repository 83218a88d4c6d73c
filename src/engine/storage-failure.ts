/** Errors of the stores as the API answers them: each kind has its HTTP status; the sentence stays. */
import { StorageError, asStorageError, type StorageErrorKind } from '../storage/error.ts';
import { EngineError } from './engine.ts';

const statuses = { 'not-found': 404, conflict: 409, invalid: 400, failed: 500 } as const satisfies Record<StorageErrorKind, number>;

/** The error for whoever asked. @param doing what was being done, for the failure of a system call: `export the container web` */
export function engineErrorOf(error: unknown, doing: string): EngineError {
  if (error instanceof EngineError) return error;
  const { kind, message } = asStorageError(error, doing);
  // A failed call is the machine's failure, also where something was not found: only a store knows what was asked for.
  return new EngineError(error instanceof StorageError ? statuses[kind] : 500, message);
}

/** Does something with a store; what it throws becomes an EngineError. */
export async function answering<T>(doing: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw engineErrorOf(error, doing);
  }
}
