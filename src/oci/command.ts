/**
 * What a command of hako-oci is: a table of flags, from which its words are read and its help is made, and what it does.
 * Names and meanings of flags and arguments are runc's, since runc's callers are ours; crun's where it has more.
 */
import type { Settings } from './settings.ts';

/** How a flag's value is written, and what it becomes: see {@link FlagValue}. */
export type FlagKind = 'bool' | 'string' | 'int' | 'list';

export interface Flag {
  readonly kind: FlagKind;
  /** One letter. */
  readonly short?: string;
  readonly help: string;
  /** What stands for the value in the help: `file`, `uid[:gid]`. */
  readonly placeholder?: string;
  /** Shown in the help. The command itself knows what it does without the flag. */
  readonly default?: string;
}

export type Flags = Readonly<Record<string, Flag>>;

/** `undefined` where the flag was not given; a `list` then is empty. */
export type FlagValue<K extends FlagKind> = K extends 'bool'
  ? boolean
  : K extends 'list'
    ? readonly string[]
    : K extends 'int'
      ? number | undefined
      : string | undefined;

export type Values<F extends Flags> = { readonly [K in keyof F]: FlagValue<F[K]['kind']> };

/** One use of a command. */
export interface Invocation<F extends Flags> {
  readonly flags: Values<F>;
  /** What is left when the flags are taken out. */
  readonly args: readonly string[];
}

export interface Command<F extends Flags = Flags> {
  /** What follows the flags: `CONTAINER [SIGNAL]`. */
  readonly usage: string;
  /** More than the one line of the index. */
  readonly description?: string;
  /** How many arguments: least and most. */
  readonly count: readonly [least: number, most: number];
  /** Flags end at the first argument, the container: what follows it is another program's. */
  readonly ownsRest?: true;
  readonly flags: F;
  /** @returns the exit status; nothing is 0 @throws OciError */
  run(invocation: Invocation<F>, settings: Settings): Promise<number | void> | number | void;
}

/** Keeps the types of the flags, so that `run` knows the types of their values. */
export function defineCommand<const F extends Flags>(command: Command<F>): Command<F> {
  return command;
}
