/** Programs in a lab: one that is run and answered for, and a shell for a person. */
import { LabError } from './error.ts';
import type { Lab } from './place.ts';
import { callAttached, callRuntime, type Ended } from './runtime.ts';

/** How a program is run. */
export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Default: /root. */
  readonly cwd?: string;
  readonly stdin?: string | Uint8Array;
  /** Milliseconds, after which it is ended. */
  readonly timeout?: number;
  /** When it is aborted the program is ended, too. */
  readonly signal?: AbortSignal;
  /** `uid` or `uid:gid`, as the lab counts. */
  readonly user?: string;
}

/** Runs a program in a lab, as its root, and waits for its end; what it leaves running goes on. A program that there is not ends with 127. */
export function runInLab(lab: Lab, args: readonly string[], { env = {}, cwd = '/root', stdin, timeout, signal, user }: RunOptions = {}): Promise<Ended> {
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const as = user === undefined ? [] : ['--user', user];
  return callRuntime(['exec', '--cwd', cwd, ...variables, ...as, lab.name, ...args], {
    ...(stdin === undefined ? {} : { stdin }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Variables of ours that a shell in the lab has, too. */
const passed = ['TERM', 'COLORTERM', 'NO_COLOR', 'LANG', 'LC_ALL', 'LC_MESSAGES', 'LANGUAGE'];

/**
 * A shell in the lab with a terminal of its own, or a command with our streams.
 * @returns its exit code
 */
export function shellInLab(lab: Lab, command: readonly string[] = []): Promise<number> {
  const { stdin, stdout } = process;
  if (command.length === 0 && !stdin.isTTY) throw new LabError('a shell in the lab needs a terminal: give a command (hako lab shell -- ps aux)');
  const variables = passed.flatMap((name) => (process.env[name] === undefined ? [] : ['--env', `${name}=${process.env[name]}`]));
  const terminal = stdin.isTTY && stdout.isTTY ? ['--tty'] : [];
  return callAttached(['exec', ...terminal, '--cwd', '/root', ...variables, lab.name, ...(command.length > 0 ? command : ['bash'])]);
}
