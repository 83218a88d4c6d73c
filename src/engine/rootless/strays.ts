/**
 * What is left of an engine that was killed before it had written down what it made: by the command lines of its processes, which name its
 * run directory. Looked for by who has just found that nothing is written down, and holds the lock.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { identify, type ProcessIdentity } from '../../kernel/process.ts';

/** Its holder and its uplink. */
export function straysOf(run: string): ProcessIdentity[] {
  const isOurs = ([program = '', ...args]: readonly string[]): boolean => {
    if (program === 'hako-holder') return args[0] === run;
    if (basename(program) === 'slirp4netns') return args.includes(`--api-socket=${join(run, 'slirp4netns.sock')}`);
    return basename(program).startsWith('pasta') && args.includes(join(run, 'pasta.pid'));
  };
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .flatMap((pid) => {
      try {
        // Anybody can give himself these arguments.
        if (statSync(`/proc/${pid}`).uid !== process.geteuid!()) return [];
        const identity = identify(pid);
        return identity && isOurs(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')) ? [identity] : [];
      } catch {
        return []; // it has ended
      }
    });
}
