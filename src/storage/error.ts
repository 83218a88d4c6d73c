/**
 * The error of the stores (content, layers, volumes, images). Its message is one sentence for the person who asked;
 * its kind tells the engine which HTTP status the API answers.
 */
import { KernelError, errnoMessage } from '../kernel/errno.ts';

/** `not-found` 404, `conflict` 409, `invalid` 400 (the input is bad), `failed` 500 (the machine would not: disk full, no permission). */
export type StorageErrorKind = 'not-found' | 'conflict' | 'invalid' | 'failed';

/** What a store could not do. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly kind: StorageErrorKind;
  constructor(kind: StorageErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

/** Shorthand for the commonest: input that cannot be used. */
export const invalid = (message: string): StorageError => new StorageError('invalid', message);

const advice: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space (image prune, volume prune) or move the root directory to a larger disk',
  EDQUOT: 'raise the quota or free some space',
  EACCES: 'run the engine as root',
  EPERM: 'run the engine as root',
  EROFS: 'the root directory is on a read-only file system',
  EMFILE: 'raise the limit of open files (ulimit -n)',
};

/**
 * Any error as a {@link StorageError}: a failed system call gets its object and errno named, and what to do where that is known.
 * @param doing what was being done, such as `import /tmp/a.tar`; put in front of the message of a failed call
 */
export function asStorageError(error: unknown, doing: string): StorageError {
  if (error instanceof StorageError) return error;
  const { code, errno, path } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || typeof errno !== 'number') {
    return new StorageError('failed', `${doing}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const what = error instanceof KernelError ? error.message : `${errnoMessage(Math.abs(errno))} (${code})${path ? `: ${path}` : ''}`;
  return new StorageError(code === 'ENOENT' ? 'not-found' : 'failed', `${doing}: ${what}${advice[code] ? `; ${advice[code]}` : ''}`, error);
}
