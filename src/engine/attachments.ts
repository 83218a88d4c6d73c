/**
 * Clients that are attached to a container. One may attach before it starts, as `run` does, so that nothing of the
 * output is missed: then it gets the output of the next start, or nothing if that start fails.
 */
import { Writable } from 'node:stream';
import type { Attachment } from './engine.ts';
import type { OutputHub } from './output-hub.ts';

/** Which streams a client wants. */
export interface Wanted {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

type OutputChunk = { readonly stream: 'stdout' | 'stderr'; readonly data: Uint8Array };

/** What a container's clients wait for. */
export class Attachments {
  #waiting: ((hub: OutputHub | undefined) => void)[] = [];

  /**
   * @param hub the output, while the container runs
   * @param once the first client that ends its input ends the container's (StdinOnce)
   */
  attach(hub: OutputHub | undefined, wanted: Wanted, terminal: boolean, once: boolean): Attachment {
    if (hub) return bind(hub, wanted, once);
    const { promise, resolve } = Promise.withResolvers<Attachment | undefined>();
    let detached = false;
    this.#waiting.push((started) => resolve(started && !detached ? bind(started, wanted, once) : undefined));
    return {
      terminal,
      output: outputOf(promise),
      ...(wanted.stdin ? { input: inputOf(promise) } : {}),
      detach: () => {
        detached = true;
        void promise.then((attachment) => attachment?.detach());
      },
    };
  }

  /** The container has started: everyone who waits gets its output. In the same turn of the event loop, before any of it is read. */
  started(hub: OutputHub): void {
    this.#settle(hub);
  }

  /** It could not be started. */
  failed(): void {
    this.#settle(undefined);
  }

  #settle(hub: OutputHub | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve(hub);
  }
}

function bind(hub: OutputHub, wanted: Wanted, once: boolean): Attachment {
  const attachment = hub.attach(wanted);
  const { input } = attachment;
  return input ? { ...attachment, input: sharedInput(input, once && !hub.terminal) } : attachment;
}

/** An input of one client: when it ends, the container's stays open, unless it was made for one client. */
function sharedInput(input: Writable, ends: boolean): Writable {
  return new Writable({
    write: (chunk, encoding, done) => void input.write(chunk, encoding, done),
    final: (done) => {
      if (ends) input.end();
      done();
    },
  }).on('error', () => {});
}

async function* outputOf(promise: Promise<Attachment | undefined>): AsyncGenerator<OutputChunk, void> {
  const attachment = await promise;
  if (attachment) yield* attachment.output;
}

/** Input that waits for the start. */
function inputOf(promise: Promise<Attachment | undefined>): Writable {
  return new Writable({
    write: (chunk, encoding, done) => void promise.then((attachment) => (attachment?.input ? attachment.input.write(chunk, encoding, done) : done())),
    final: (done) =>
      void promise.then((attachment) => {
        attachment?.input?.end();
        done();
      }),
  }).on('error', () => {});
}
