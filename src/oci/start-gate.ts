/**
 * The gate at which a created container's process waits: a FIFO in the container's directory, which that process holds open. Its
 * presence tells created from running; taking its name away claims the start. See fifo(7).
 */
import { closeSync, constants, openSync, unlinkSync, writeSync } from 'node:fs';
import { because, OciError } from './error.ts';
import { gateName } from './state-store.ts';

/** A start that nobody else can make any more. */
export interface ClaimedStart {
  /** Lets the process become its program. @throws OciError when it has died meanwhile */
  release(): void;
  /** Gives the start up: the process stays where it is. */
  close(): void;
}

/**
 * Claims the start of a created container.
 * @param directory the container's
 * @throws OciError where somebody else has started it, or its process is gone
 */
export function claimStart(directory: string, id: string): ClaimedStart {
  const path = `${directory}/${gateName}`;
  const gone = (): OciError => new OciError(`cannot start the container ${id}: its process has ended (killed, or out of memory)`);
  let fd: number;
  try {
    // Without waiting: the open finds the process, or fails with ENXIO.
    fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    unlinkSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENXIO') throw gone();
    if (code === 'ENOENT') throw new OciError(`cannot start an already running container: ${id}`);
    throw new OciError(`cannot start the container ${id}: ${because(error)}`);
  }
  return {
    release() {
      try {
        writeSync(fd, 'x');
      } catch {
        throw gone();
      } finally {
        closeSync(fd);
      }
    },
    close: () => closeSync(fd),
  };
}
