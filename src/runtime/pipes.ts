/** The pipes of a process's standard streams, of which the engine has the other ends. See pipe(7). */
import { call, Unknown, type Call, type Known } from '../kernel/call.ts';
import { fcntlCommands, openFlags } from '../kernel/flags.ts';
import { performNow } from '../kernel/perform.ts';
import { step, type Procedure } from '../step/step.ts';
import { nullDevice } from './null-device.ts';
import type { Streams } from './process.ts';

/** The ends of a process's standard streams. */
export interface StdioEnds {
  /** Ours. */
  readonly streams: Streams;
  /** The process's, to be inherited; all of them pipes except a null device. */
  readonly child: { readonly stdin: Known; readonly stdout: Known; readonly stderr: Known; readonly pipes: readonly number[] };
}

const pipeBytes = 1 << 18;

/**
 * Makes the pipes. Without `stdin` the process reads the null device.
 * @param owner whose they are to be, in the host's ids: for a process in a user namespace, which cannot take what is the host root's.
 * Any other process gives them to its user itself.
 */
export function* makePipes(stdin: boolean, owner?: { readonly uid: number; readonly gid: number }): Procedure<StdioEnds> {
  const ends = Array.from({ length: stdin ? 3 : 2 }, () => new Int32Array(2));
  const bytes = (i: number): Uint8Array => new Uint8Array(ends[i]!.buffer);
  const names = ['stdout', 'stderr', 'stdin'].slice(0, ends.length);
  const pipes = ends.map((_, i) => call('pipe2', [bytes(i), openFlags.O_CLOEXEC]));
  const value = (i: number, end: 0 | 1): number => ends[i]![end]!;
  const own = (i: number, { uid, gid }: NonNullable<typeof owner>): Call =>
    call('fchown', [new Unknown('PIPE'), uid, gid], { perform: () => performNow(call('fchown', [value(i, 0), uid, gid])) });
  // Of which it is to own what it has as its standard streams.
  const owned = owner ? [] : stdin ? [0, 1, 2] : [1, 2];
  const unknown: StdioEnds = {
    streams: {},
    child: { stdin: new Unknown('STDIN'), stdout: new Unknown('STDOUT'), stderr: new Unknown('STDERR'), pipes: owned },
  };
  return yield* step<StdioEnds>({
    id: 'process.pipes',
    what: `Make pipes for ${stdin ? 'standard input, output' : 'standard output'} and error`,
    calls: [...pipes, ...(owner ? ends.map((_, i) => own(i, owner)) : [])],
    shell: [
      `mkfifo -m 600 ${names.map((name) => `"$TMP"/${name}`).join(' ')}`,
      ...(owner ? [`chown ${owner.uid}:${owner.gid} ${names.map((name) => `"$TMP"/${name}`).join(' ')}`] : []),
      'cat "$TMP"/stdout & OUTPUT=$!',
      'cat "$TMP"/stderr >&2 & OUTPUT="$OUTPUT $!"',
      ...(stdin ? ['exec 3<&0', 'cat <&3 >"$TMP"/stdin & INPUT=$!'] : []),
    ].join('\n'),
    look: 'ls -l /proc/$PID/fd',
    result: () => {
      // Fewer turns for a program that writes much. A limit of the user's may refuse it, and the default serves too.
      for (let i = 0; i < 2; i++) performNow(call('fcntl', [value(i, 0), fcntlCommands.F_SETPIPE_SZ, pipeBytes]));
      const child = { stdout: value(0, 1), stderr: value(1, 1), stdin: stdin ? value(2, 0) : nullDevice() };
      return {
        streams: { stdout: value(0, 0), stderr: value(1, 0), ...(stdin ? { stdin: value(2, 1) } : {}) },
        child: { ...child, pipes: owned },
      };
    },
    unknown,
    undo: ends.map((_, i) => closing(() => value(i, ourEnd(i)))),
    // The process has its ends by then.
    finally: ends.map((_, i) => closing(() => value(i, ourEnd(i) === 0 ? 1 : 0))),
  });
}

/** Of the first two pipes (output, error) we read; into the third we write. */
const ourEnd = (i: number): 0 | 1 => (i < 2 ? 0 : 1);

/** Closes a descriptor that is known only when it is done; none, where it never came to be. */
export function closing(fd: () => number): Call {
  return call('close', [new Unknown('PIPE')], { perform: () => (fd() > 2 ? performNow(call('close', [fd()])) : 0) });
}
