/** Archives between files, the client's streams and the engine, with the progress of what is under way. */
import { createReadStream, createWriteStream, renameSync, rmSync, statSync } from 'node:fs';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CommandError } from './command.ts';
import { humanSize } from './units.ts';

/**
 * Opens a file to be sent; `-` is stdin.
 * @throws CommandError when it cannot be read, or stdin is a terminal
 */
export function openArchive(path: string): Readable {
  if (path === '-') {
    if (process.stdin.isTTY)
      throw new CommandError('an archive is expected on the standard input, which is a terminal', { hint: 'Redirect a file to it, or name one.' });
    return process.stdin;
  }
  try {
    const stat = statSync(path);
    if (!stat.isFile() && !stat.isFIFO()) throw new CommandError(`${path} is not a file`);
    return createReadStream(path, { highWaterMark: 1 << 20 }).pipe(progress(path, stat.size));
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** Passes data through; on a terminal, shows how much has passed. */
function progress(name: string, total: number): Transform {
  const shows = process.stderr.isTTY && total > 1 << 20;
  let passed = 0;
  let shownAt = 0;
  return new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, done) {
      passed += chunk.length;
      if (shows && performance.now() - shownAt > 100) {
        shownAt = performance.now();
        process.stderr.write(`\r${name}: ${humanSize(passed)} / ${humanSize(total)}\x1b[K`);
      }
      done(null, chunk);
    },
    flush(done) {
      if (shows) process.stderr.write('\r\x1b[K');
      done();
    },
  });
}

/**
 * Writes what the engine sends into a file, or to stdout when none is named.
 * The file appears under its name only when it is whole.
 * @throws CommandError when stdout is a terminal, or the file cannot be written
 */
export async function saveArchive(open: () => Promise<Readable>, path: string | undefined): Promise<void> {
  if (!path) {
    if (process.stdout.isTTY) throw new CommandError('cowardly refusing to save to a terminal', { hint: 'Use the -o flag or redirect.' });
    await pipeline(await open(), process.stdout, { end: false });
    return;
  }
  const source = await open();
  const partial = `${path}.partial-${process.pid}`;
  let special = true;
  let made = false;
  try {
    // A device or a pipe, such as /dev/null, is written to as it is.
    special = statSync(path, { throwIfNoEntry: false })?.isFile() === false;
    const target = createWriteStream(special ? path : partial, { flags: special ? 'w' : 'wx', mode: 0o600 });
    target.once('open', () => (made = true));
    await pipeline(source, target);
    if (!special) renameSync(partial, path);
  } catch (error) {
    if (made && !special) rmSync(partial, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    throw new CommandError(`cannot write ${path}: ${code ?? message}`);
  }
}
