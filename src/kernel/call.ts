/**
 * A kernel call as data: what the launcher compiles, what `apply` makes, what `explain` prints.
 * Built with the functions of `sys`, printed with `describeCall`, made with `perform`.
 */
import type { RewriteTable } from './launch/table.ts';
import type { SyscallName } from './syscalls.ts';

/** A value that is not known until the kernel has answered; prints as `$NAME`. Only explanations ever meet one. */
export class Unknown {
  readonly label: string;
  constructor(label: string) {
    this.label = label;
  }
  toString(): string {
    return `$${this.label}`;
  }
}

/** A number once known (a descriptor, a process id), or its stand-in in an explanation. */
export type Known = number | Unknown;

/** The return value of an earlier call of the same step or the same table, as the argument of a later one. */
export class Result {
  readonly of: Call;
  constructor(of: Call) {
    this.of = of;
  }
}

/** The 8-byte number that an earlier call has the kernel store in `bytes` (a parent_tid, say), as an argument. */
export class Stored {
  readonly bytes: Uint8Array;
  readonly label: string;
  constructor(bytes: Uint8Array, label: string) {
    this.bytes = bytes;
    this.label = label;
  }
}

/**
 * Bytes with a structure: a struct of the kernel's, or a message.
 * `pointers` maps byte offsets to what the 8 bytes there must point to; `text` is how it prints, such as `{sa_family=AF_NETLINK}`.
 */
export class Struct {
  readonly bytes: Uint8Array;
  readonly pointers: readonly (readonly [offset: number, target: Uint8Array | string | Struct])[];
  readonly #text: string | (() => string);
  /** @param text may be a function, since nearly all calls are made and never printed */
  constructor(text: string | (() => string), bytes: Uint8Array, pointers: readonly (readonly [number, Uint8Array | string | Struct])[] = []) {
    this.#text = text;
    this.bytes = bytes;
    this.pointers = pointers;
  }
  get text(): string {
    return typeof this.#text === 'string' ? this.#text : this.#text();
  }
}

/**
 * An argument: an integer; a string (a pointer to it, NUL-terminated); an array of strings (argv, envp);
 * bytes (a pointer to them, to read from or write into); null (the null pointer).
 */
export type Arg = null | number | bigint | string | Uint8Array | readonly string[] | Struct | Result | Stored | Unknown;

/** One kernel call, exactly as it will be made. */
export interface Call {
  readonly name: SyscallName;
  readonly args: readonly Arg[];
  /** Positive errnos that are an answer here, not a failure: EEXIST of a mkdir, ENOENT of an undo. */
  readonly accept?: readonly number[];
  /** What the returned value is called where it is printed: `rootfd`. */
  readonly label?: string;
  /** What the returned value is, where `perform` makes more of it than the call itself returns: `descriptor`. */
  readonly gives?: string;
  /**
   * How the call is made where one direct system call on this thread is not enough: a wait that must not
   * block it, a request with its acknowledgement, clone3 into a table. Is given the values of earlier calls, and
   * returns as the kernel does. Tables that it compiles go through `rewrite` before, where a test gives one.
   */
  readonly perform?: (resolve: (r: Result) => number, rewrite?: RewriteTable) => number | Promise<number>;
  /** What is to be said of a failure beside its errno, for the error's message: the kernel's own words (netlink's extended acknowledgements), or what it means here. */
  readonly failureDetail?: (errno: number) => string | undefined;
  /** Of one that takes back: which call it takes back, where that may be another's deed when it fails (EEXIST). It is made only if that one succeeded. */
  readonly undoes?: Call;
  /** A read(2) that tells more of its failure, made by who made it: what the kernel has in the log of a file system's context. */
  readonly reason?: Call;
}

/** Options of a call, see {@link Call}. */
export type CallOptions = Pick<Call, 'accept' | 'label' | 'gives' | 'perform' | 'failureDetail' | 'undoes' | 'reason'>;

/** Makes a call as data. `call('mkdirat', [dirfd, 'proc', 0o755], { accept: [errno.EEXIST] })`. */
export function call(name: SyscallName, args: readonly Arg[], options: CallOptions = {}): Call {
  return { name, args, ...options };
}

/** The value that `earlier` will return, for an argument of a later call. */
export function result(earlier: Call): Result {
  return new Result(earlier);
}
