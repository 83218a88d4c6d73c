/** Connects the terminal of a container's process with ours: bytes both ways, our keys as they are, and the size of our window. */
import { closeSync } from 'node:fs';
import { useStreams } from '../kernel/exit.ts';
import { resizeTerminal } from '../runtime/console.ts';

/** A connection of two terminals. */
export interface TerminalRelay {
  /** To be awaited when the process has ended: its last words are written, and our terminal is as it was. */
  drained(): Promise<void>;
}

/** @param master of the process's terminal; closed with the relay */
export async function relayTerminal(master: number): Promise<TerminalRelay> {
  const { ReadStream } = await import('node:tty'); // Node's network code: 9 ms, of those with a terminal only
  useStreams();
  const { stdin, stdout } = process;
  const theirs = new ReadStream(master);
  // The other end has been closed: by the last process that had it.
  const ended = new Promise<void>((resolve) => {
    theirs.on('error', () => resolve());
    theirs.on('close', () => resolve());
    theirs.on('end', () => resolve());
  });
  theirs.pipe(stdout, { end: false });
  const resize = (): void => void (stdout.isTTY && resizeTerminal(master, stdout.rows, stdout.columns));
  resize();
  process.on('SIGWINCH', resize);
  if (stdin.isTTY) stdin.setRawMode(true);
  const write = (data: Buffer): void => void (theirs as unknown as NodeJS.WritableStream).write(data);
  stdin.on('data', write);
  return {
    async drained() {
      await ended;
      process.off('SIGWINCH', resize);
      stdin.off('data', write);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      theirs.destroy();
      closeQuietly(master);
    },
  };
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // The stream has closed it.
  }
}
