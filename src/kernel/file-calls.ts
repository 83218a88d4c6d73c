/**
 * Makes those calls that Node itself can make: open, write, close, mkdir and rmdir of paths. Steps that only write control files
 * and remove directories are applied with it where loading the library for all the other calls (10 ms) would take longer than they do.
 */
import { closeSync, mkdirSync, openSync, rmdirSync, writeSync } from 'node:fs';
import { Result, type Arg, type Call } from './call.ts';
import { errno } from './errno.ts';
import { AT_FDCWD, atFlags } from './flags.ts';

/** Makes a call; returns as the kernel does: a negative errno on failure. */
export function performFileCall(call: Call, resolve: (r: Result) => number): number | Promise<number> {
  if (call.perform) return call.perform(resolve);
  try {
    return make(call, (arg) => (arg instanceof Result ? resolve(arg) : Number(arg)));
  } catch (error) {
    const { errno: number } = error as NodeJS.ErrnoException;
    if (number === undefined) throw error;
    return number;
  }
}

function make(call: Call, number: (arg: Arg | undefined) => number): number {
  const [first, path, third] = call.args;
  if (call.name === 'write') return writeSync(number(first), path as Uint8Array, 0, number(third));
  if (call.name === 'close') return (closeSync(number(first)), 0);
  if (first !== AT_FDCWD || typeof path !== 'string') throw new Error(`${call.name} of a path beneath a descriptor is no call that Node can make`);
  if (call.name === 'openat') return openSync(path, number(third), number(call.args[3]));
  if (call.name === 'mkdirat') return (mkdirSync(path, number(third)), 0);
  if (call.name === 'unlinkat' && third === atFlags.AT_REMOVEDIR) return (rmdirSync(path), 0);
  return -errno.ENOSYS;
}
