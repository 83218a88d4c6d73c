/** The API's streams of progress: JSON lines with text, a state of something, or an error. */
import type { Readable } from 'node:stream';
import { CommandError } from './command.ts';
import { jsonLines } from './json-lines.ts';
import { print, printable } from './terminal-text.ts';

interface Message {
  readonly stream?: string;
  readonly status?: string;
  readonly id?: string;
  readonly progress?: string;
  readonly error?: string;
  readonly errorDetail?: { readonly message?: string };
}

/**
 * Prints text as it comes. States that a later one replaces are shown on a terminal only.
 * @throws CommandError with the error that the stream tells
 */
export async function printProgress(stream: Readable): Promise<void> {
  for await (const line of jsonLines(stream)) {
    const message = JSON.parse(line) as Message;
    const error = message.errorDetail?.message ?? message.error;
    if (error) throw new CommandError(error);
    if (message.stream) print(message.stream);
    else if (message.status && (!message.progress || process.stdout.isTTY)) {
      const text = printable(`${message.id ? `${message.id}: ` : ''}${message.status}`);
      process.stdout.write(message.progress ? `\r${text} ${printable(message.progress)}\x1b[K` : `${text}\n`);
    }
  }
}
