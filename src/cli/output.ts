/** Copies a container's output to the client's own stdout and stderr, no faster than these take it. */
import type { Readable } from 'node:stream';
import { CommandError } from './command.ts';
import { demultiplexer } from './multiplexed.ts';

/** How a connection carries output: the Content-Type of logs and attach. */
export const multiplexedType = 'application/vnd.docker.multiplexed-stream';

/**
 * Copies until the source ends.
 * @param raw one stream as it is, as with a terminal; otherwise stdout and stderr multiplexed
 * @param head what was already read from the source
 * @param stdout where what was written to stdout goes
 * @throws CommandError when the engine reports an error inside the stream
 */
export function copyOutput(source: Readable, raw: boolean, head?: Buffer, stdout: NodeJS.WriteStream = process.stdout): Promise<void> {
  return new Promise((resolve, reject) => {
    const write = (to: NodeJS.WriteStream, data: Buffer): void => {
      if (to.write(data) || source.isPaused()) return;
      source.pause();
      to.once('drain', () => source.resume());
    };
    const take = raw
      ? (chunk: Buffer): void => write(stdout, chunk)
      : demultiplexer((stream, data) => {
          if (stream === 3) throw new CommandError(data.toString().trim());
          write(stream === 2 ? process.stderr : stdout, data);
        });
    const takeSafely = (chunk: Buffer): void => {
      try {
        take(chunk);
      } catch (error) {
        source.destroy();
        reject(error);
      }
    };
    if (head?.length) takeSafely(head);
    source.on('data', takeSafely);
    source.once('end', () => resolve());
    // A reset is an end too: the exit code, which is asked for separately, tells what happened.
    source.once('error', () => resolve());
    source.once('close', () => resolve());
  });
}
