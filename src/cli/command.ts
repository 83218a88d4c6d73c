/**
 * What a command is: one table from which its arguments are parsed and its help, completion and documentation are made.
 * Names and meanings of the flags are Docker's, so that fingers and scripts keep working.
 */

/** How a flag's value is written, and what it becomes: see {@link FlagValue}. */
export type FlagKind = 'bool' | 'string' | 'int' | 'decimal' | 'bytes' | 'duration' | 'list' | 'optional';

export interface Flag {
  readonly kind: FlagKind;
  /** One letter. */
  readonly short?: string;
  readonly help: string;
  /** What stands for the value in the help, where the kind says too little: `mount`, `filter`. */
  readonly placeholder?: string;
  /** Shown in the help; for `bool` also the value when the flag is not given. */
  readonly default?: string | boolean;
  /** Another spelling of the flag with this name; not shown in the help. */
  readonly aliasOf?: string;
  /** `optional` only: the value when the flag stands alone, without `=VALUE`. */
  readonly alone?: string;
  /** `bytes` only: -1 is a value, meaning no limit. */
  readonly unlimited?: true;
  /** What the shell offers as values: words, or names that the engine knows. */
  readonly completes?: Completes;
}

/** Words, or the kind of thing that completion asks for. */
export type Completes = readonly string[] | 'container' | 'running' | 'image' | 'volume' | 'step' | 'step or container' | 'file';

export type Flags = Readonly<Record<string, Flag>>;

/** `bytes` become bytes, `duration` nanoseconds, `decimal` a number; `undefined` where the flag was not given. */
export type FlagValue<K extends FlagKind> = K extends 'bool'
  ? boolean
  : K extends 'list'
    ? readonly string[]
    : K extends 'int' | 'decimal' | 'bytes' | 'duration'
      ? number | undefined
      : string | undefined;

export type Values<F extends Flags> = { readonly [K in keyof F]: FlagValue<F[K]['kind']> };

/** One use of a command. */
export interface Invocation<F extends Flags> {
  readonly flags: Values<F>;
  /** What is left when the flags are taken out. */
  readonly args: readonly string[];
  /** The flags that were written, by their long names. */
  readonly given: ReadonlySet<string>;
  /** `run`, `container run`, … as it was typed. */
  readonly path: string;
}

export interface Command<F extends Flags = Flags> {
  /** What follows the command's name, one line for each form: `[OPTIONS] CONTAINER [CONTAINER...]`. */
  readonly usage: readonly string[];
  /** More than the one line that lists of commands show. */
  readonly description?: string;
  /** How many arguments: least and most. */
  readonly count: readonly [least: number, most: number];
  /** Flags end at the first argument: what follows belongs to the container's command. */
  readonly ownsRest?: true;
  readonly flags: F;
  /** What the arguments are, in order; the last one repeats. */
  readonly completes?: readonly Completes[];
  /** @returns the exit code; nothing is 0 */
  run(invocation: Invocation<F>): Promise<number | void>;
}

/** Keeps the types of the flags, so that `run` knows the types of their values. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command<F> {
  return command;
}

/** A command, or a group of them, as the index knows it: enough to list it without loading it. */
export interface Entry {
  readonly summary: string;
  /** Absent for a group. Two entries with the same function are the same command under two names. */
  readonly load?: () => Promise<{ readonly command: Command }>;
  readonly commands?: Readonly<Record<string, Entry>>;
  /** Not listed: an older or shorter name of another. */
  readonly hidden?: true;
  /** Of a group: the command of it that the group's name alone stands for. */
  readonly alone?: string;
  /** Of a group: its commands read the kernel through procfs, and without one would find nothing there. */
  readonly readsProc?: true;
}

/** A mistake of the caller's, or a refusal: one sentence and an exit code. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;
  /** A second line: what to do. */
  readonly hint: string | undefined;
  constructor(message: string, options: { readonly exitCode?: number; readonly hint?: string } = {}) {
    super(message);
    this.exitCode = options.exitCode ?? 1;
    this.hint = options.hint;
  }
}

/**
 * Whether an error is one that is told to the user. Not by `instanceof`: the commands of the elements are bundled apart, with a class
 * of their own.
 */
export function isCommandError(error: unknown): error is CommandError {
  return error instanceof Error && error.name === 'CommandError';
}

/** The command line itself is wrong: exit code 125, as Docker's, unless said otherwise. */
export class UsageError extends CommandError {
  /** The right usage is told along with it. */
  readonly ofUsage = true;
  constructor(message: string, exitCode = 125) {
    super(message, { exitCode });
  }
}
