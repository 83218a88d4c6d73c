/** A foreground session: the client's stdin, stdout and stderr are those of a container's process, or of an exec, until it ends. */
import { post, type Hijacked } from './client.ts';
import { defaultDetachKeys, detachScanner, parseDetachKeys } from './detach-keys.ts';
import { copyOutput } from './output.ts';
import { enterRawMode, followSize } from './terminal.ts';

export interface SessionOptions {
  readonly terminal: boolean;
  /** Send our stdin. */
  readonly input: boolean;
  readonly detachKeys?: string | undefined;
  /** Where its standard output goes; absent: to ours. */
  readonly stdout?: NodeJS.WriteStream;
}

/** A session under way. */
export interface Session {
  /** `detached` when the keys were pressed; `ended` when the stream's other side closed it. */
  readonly done: Promise<'ended' | 'detached'>;
  /** Lets go of the terminal and of stdin. May be called twice. */
  close(): void;
}

/**
 * Stays until the session is over, and lets go of everything.
 * @param resizePath where the engine is told of the terminal's size, when there is one
 * @returns whether the user detached; told on the terminal
 */
export async function stay(session: Session, resizePath: string | undefined): Promise<boolean> {
  const stopResizing = resizePath === undefined ? () => {} : followSize((h, w) => void post(resizePath, { h, w }).catch(() => {}));
  try {
    const detached = (await session.done) === 'detached';
    session.close();
    if (detached) process.stdout.write('read escape sequence\n');
    return detached;
  } finally {
    stopResizing();
    session.close();
  }
}

/** Joins the streams. With a terminal on our side, it is in raw mode until `close`. */
export function openSession({ socket, head }: Hijacked, options: SessionOptions): Session {
  const { stdin } = process;
  const leaveRawMode = options.terminal && options.input ? enterRawMode() : () => {};
  let detach = (): void => {};
  const detached = new Promise<'detached'>((resolve) => (detach = () => resolve('detached')));
  const output = copyOutput(socket, options.terminal, head, options.stdout).then(() => 'ended' as const);

  const stopInput = options.input ? sendInput() : () => {};

  function sendInput(): () => void {
    const scan = options.terminal ? detachScanner(parseDetachKeys(options.detachKeys || defaultDetachKeys)) : undefined;
    const onData = (typed: Buffer): void => {
      const { data, detached } = scan ? scan(typed) : { data: typed, detached: false };
      if (data.length && socket.writable && !socket.write(data)) {
        stdin.pause();
        socket.once('drain', () => stdin.resume());
      }
      if (detached) detach();
    };
    const onEnd = (): void => {
      socket.end(); // our side only: the output goes on
    };
    stdin.on('data', onData);
    stdin.once('end', onEnd);
    stdin.once('error', onEnd);
    // Whoever had the keyboard before (src/cli/step-session.ts) paused it, and a listener alone does not undo that.
    stdin.resume();
    return () => {
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      stdin.pause();
    };
  }

  return {
    done: Promise.race([output, detached]),
    close() {
      stopInput();
      leaveRawMode();
      socket.destroy();
    },
  };
}
