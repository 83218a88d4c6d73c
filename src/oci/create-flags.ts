/** The flags that `create` and `run` have in common. */
import { readlinkSync } from 'node:fs';
import type { Flags, Values } from './command.ts';
import type { CreateRequest } from './create-container.ts';
import { OciError } from './error.ts';

export const createFlags = {
  bundle: { kind: 'string', short: 'b', placeholder: 'directory', help: 'the directory with config.json and the root file system', default: '.' },
  config: { kind: 'string', short: 'f', placeholder: 'file', help: 'another configuration than config.json of the bundle' },
  'console-socket': { kind: 'string', placeholder: 'socket', help: "a unix socket that is sent the terminal's master" },
  'pid-file': { kind: 'string', placeholder: 'file', help: "a file to write the first process's id to" },
  'no-new-keyring': { kind: 'bool', help: "leave the process in the caller's session keyring" },
  'pidfd-socket': { kind: 'string', placeholder: 'socket', help: 'a unix socket that is sent a pidfd of the first process' },
  'preserve-fds': { kind: 'int', placeholder: 'n', help: 'pass this many further descriptors to the program, from 3 on', default: '0' },
  'no-pivot': { kind: 'bool', help: 'do without pivot_root(2), on a machine that runs from its initial ramfs' },
} as const satisfies Flags;

/** What the flags ask for. @throws OciError */
export function requestOf(id: string, flags: Values<typeof createFlags>): Omit<CreateRequest, 'gated'> {
  const preserveFds = preservedOf(flags['preserve-fds']);
  return {
    id,
    bundle: flags.bundle ?? '.',
    config: flags.config,
    consoleSocket: flags['console-socket'],
    pidFile: flags['pid-file'],
    pidfdSocket: flags['pidfd-socket'],
    noNewKeyring: flags['no-new-keyring'],
    preserveFds,
    noPivot: flags['no-pivot'] ?? false,
  };
}

/** @throws OciError for a number that is none of descriptors */
export function preservedOf(count = 0): number {
  const listening = Number(process.env['LISTEN_FDS'] ?? 0);
  const all = count + (Number.isInteger(listening) && listening > 0 ? listening : 0);
  if (count < 0 || all > 1000) throw new OciError(`--preserve-fds ${count}: use a number from 0 to 1000`);
  const missing = Array.from({ length: all }, (_, i) => 3 + i).find((fd) => !wasPassed(fd));
  if (missing !== undefined)
    throw new OciError(
      `--preserve-fds ${count}${all > count ? ` and LISTEN_FDS=${all - count}` : ''}: the descriptor ${missing} is not open: pass ${all}, from 3 on`,
    );
  return all;
}

/**
 * Whether our caller passed us a descriptor, or it is one of our own. The first that Node opens, at the lowest number that is free, is
 * one for epoll(7), which nobody passes on.
 */
function wasPassed(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventpoll]';
  } catch {
    return false;
  }
}
