/** Error numbers of Linux (x86-64 and arm64 share them) with their names and the C library's messages. See errno(3). */
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';

const names = new Map<number, string>(Object.entries(constants.errno).map(([name, number]) => [number, name]));
// Names that node:os does not list, or lists before another of the same number.
for (const [name, number] of Object.entries({ ENOTBLK: 15, ECHRNG: 44, EL2NSYNC: 45, EUCLEAN: 117, ENOMEDIUM: 123, ENOKEY: 126, EKEYEXPIRED: 127, EKEYREJECTED: 129, EREMOTE: 66, ESHUTDOWN: 108, EUSERS: 87, ESTALE: 116, EOPNOTSUPP: 95, EAGAIN: 11 })) names.set(number, name);

/** Error numbers by name, as in `errno.ENOENT`. */
export const errno = { ...constants.errno, EUCLEAN: 117, EOPNOTSUPP: 95, ENOMEDIUM: 123 };

/** The name of a (positive) error number, such as `ENOENT`; `errno 4242` when the number has no name. */
export function errnoName(number: number): string {
  return names.get(number) ?? `errno ${number}`;
}

/** The C library's sentence for a (positive) error number, such as `no such file or directory`. */
export function errnoMessage(number: number): string {
  try {
    return getSystemErrorMessage(-number) ?? errnoName(number);
  } catch {
    return errnoName(number);
  }
}

/** A system call that failed: names the call, its object, and the error number. */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly call: string;
  readonly errno: number;
  /** The errno's name, as Node's own errors have it: `ENOENT`. */
  readonly code: string;

  /**
   * @param call what was asked of the kernel, such as `openat("/etc/passwd")`
   * @param number the positive error number
   */
  constructor(call: string, number: number) {
    super(`${call}: ${errnoMessage(number)} (${errnoName(number)})`);
    this.call = call;
    this.errno = number;
    this.code = errnoName(number);
  }
}
