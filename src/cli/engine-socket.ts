/** The engine's socket: where it is, and how it is reached when an engine is running. */
import { lstatSync } from 'node:fs';
import { connect as connectSocket, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { runDirectory as runDirectoryOf } from '../kernel/user-directories.ts';
import { CommandError } from './command.ts';

/** Directory of the engine's socket, lock and log. */
export const runDirectory = runDirectoryOf(process.env);
export const socketPath = `${runDirectory}/hako.sock`;

/** In /tmp anybody can make a directory of this name, and an engine in it that is told what the user's own is to be told. */
function refuseForeign(): void {
  if (process.env['HAKO_RUN'] || process.geteuid!() === 0) return;
  const status = lstatSync(runDirectory, { throwIfNoEntry: false });
  if (status && (status.uid !== process.geteuid!() || !status.isDirectory() || (status.mode & 0o022) !== 0))
    throw new CommandError(`${runDirectory}, where your engine's socket is to be, is not a directory that you alone may write to`, {
      hint: 'Set HAKO_RUN, or XDG_RUNTIME_DIR, to one that is.',
    });
}

/** Connects to a running engine. @throws the system's error; CommandError where somebody else may have made its socket */
export async function tryConnect(): Promise<Socket> {
  refuseForeign();
  return await new Promise((resolve, reject) => {
    // Half open: a client that has no more input still wants the output.
    const socket = connectSocket({ path: socketPath, allowHalfOpen: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** Whether an error of {@link tryConnect} says that no engine is running. */
export function isAbsent(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ECONNREFUSED';
}

/** Reads a stream to its end as UTF-8. @throws CommandError when it breaks off */
export async function readText(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of stream) chunks.push(chunk as Buffer);
  } catch (error) {
    throw lost(error as Error);
  }
  return Buffer.concat(chunks).toString();
}

/** The connection broke off while it was used. */
export function lost(error: Error): CommandError {
  return new CommandError(`the connection to the engine broke (${(error as NodeJS.ErrnoException).code ?? error.message})`, {
    hint: `Its log is ${runDirectory}/hakod.log.`,
  });
}
