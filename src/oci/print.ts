/** Standard output, written at once: Node's stream of it takes two milliseconds to make, and nearly all that is said here is one text. */
import { writeSync } from 'node:fs';

/** Writes all of the text. A reader that went away (`hako-oci list | head`) ends the command as SIGPIPE would. */
export function print(text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE') process.exit(141);
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // a full pipe that somebody set to not block
    }
  }
}
