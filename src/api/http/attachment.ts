/** Joins a client's connection and a container's streams: output framed and paced by the client, input until its half-close, detach keys in between. */
import type { Readable, Writable } from 'node:stream';
import type { Attachment } from '../../engine/engine.ts';
import { DetachFilter, parseDetachKeys } from './detach-keys.ts';
import type { Exchange } from './exchange.ts';
import { contentType, writeOutput } from './framing.ts';

/** Milliseconds that a client may take to close its side after the output has ended. */
const lingering = 5000;

/**
 * Serves an attachment until its output ends or the client goes.
 * @param keys of the client for detaching; absent: Docker's `ctrl-p,ctrl-q`
 */
export async function serveAttachment(exchange: Exchange, attachment: Attachment, keys: string | undefined): Promise<void> {
  const { terminal } = attachment;
  let output: Writable | undefined;
  try {
    const filter = terminal && attachment.input ? new DetachFilter(parseDetachKeys(keys)) : undefined;
    if (exchange.signal.aborted) return;
    const connection = exchange.hijack(contentType(terminal, exchange.minor));
    output = connection.output;
    const detach = (): void => attachment.detach();
    output.once('close', detach);
    filter?.once('detach', () => {
      attachment.detach();
      connection.output.end();
    });
    if (connection.input) feed(connection.input, attachment.input, filter);
    await writeOutput(output, attachment.output, terminal);
    await finish(output, connection.input);
  } finally {
    attachment.detach();
    if (output && !output.writableEnded) output.destroy();
  }
}

/** Passes input on. Without a taker it is read and dropped: bytes left unread would turn the end of the connection into a reset. */
function feed(source: Readable, target: Writable | undefined, filter: DetachFilter | undefined): void {
  if (!target) {
    source.resume();
    return;
  }
  const drop = (): void => {
    source.unpipe();
    source.resume();
  };
  target.on('error', drop).on('close', drop);
  if (filter) source.pipe(filter).pipe(target);
  else source.pipe(target);
  source.on('error', () => target.end());
}

/** Ends the output and waits for the client to close, for a while. */
function finish(output: Writable, input: Readable | undefined): Promise<void> {
  return new Promise((resolve) => {
    output.end(() => {
      if (input !== undefined && (input as Readable | Writable) === output && !output.destroyed && !input.readableEnded) {
        input.unpipe();
        input.resume();
        const timer = setTimeout(() => input.destroy(), lingering);
        input.once('end', () => input.destroy()).once('close', () => clearTimeout(timer));
      }
      resolve();
    });
    output.once('close', resolve);
  });
}
