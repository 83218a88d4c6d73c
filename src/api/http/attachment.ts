/** Joins a client's connection and a container's streams: output framed and paced by the client, input until its half-close, detach keys in between. */
import type { Readable, Writable } from 'node:stream';
import type { Attachment } from '../../engine/engine.ts';
import { DetachFilter, parseDetachKeys } from './detach-keys.ts';
import type { Connection, Exchange } from './exchange.ts';
import { contentType, writeOutput } from './framing.ts';

/** Milliseconds that a client may take to close its side after the output has ended. */
const lingering = 5000;
/** Milliseconds between looks at whether a client that sends nothing more is still there to read. */
const probing = 2000;
const nothing = Buffer.alloc(0);

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
    if (connection.input) {
      feed(connection.input, attachment.input, filter);
      if (connection.upgraded) noticeDeparture(connection.input, output);
    }
    await writeOutput(output, attachment.output, terminal);
    await finish(connection);
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

/**
 * Closes the connection of a client that has gone. Its half-close and its departure look the same to a reader; but a write fails only after
 * the latter, even one of no bytes, which nobody receives (unix(7): EPIPE).
 */
function noticeDeparture(input: Readable, output: Writable): void {
  input.once('end', () => {
    const probe = (): void => {
      if (!output.destroyed && !output.writableEnded) output.write(nothing);
    };
    const timer = setInterval(probe, probing).unref();
    output.once('close', () => clearInterval(timer));
    probe();
  });
}

/** Ends the output and waits for the client to close, for a while. */
function finish({ output, input, upgraded }: Connection): Promise<void> {
  return new Promise((resolve) => {
    output.end(() => {
      if (input && upgraded && !output.destroyed && !input.readableEnded) {
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
