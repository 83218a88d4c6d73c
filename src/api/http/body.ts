/** Reads a request's JSON body, within bounds of size and time. */
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { RequestError } from './error.ts';

/** Bytes of a JSON body; the biggest honest ones, with hundreds of labels and mounts, are some 100 kB. */
const maximalSize = 4 << 20;
/** Milliseconds from headers to the end of a JSON body. */
const deadline = 30_000;

/** The parsed body; undefined when there is none. @throws RequestError 400, 408 or 413 */
export async function readJson(message: IncomingMessage, upgraded: Readable | undefined): Promise<unknown> {
  const declared = message.headers['content-length'];
  const chunked = message.headers['transfer-encoding'] !== undefined;
  if (!chunked && (declared === undefined || declared === '0')) return undefined;
  if (declared !== undefined && Number(declared) > maximalSize) throw tooBig();
  if (upgraded && chunked) throw new RequestError(400, 'A request with an Upgrade header needs a Content-Length.');
  const text = (await collect(upgraded ?? message, upgraded ? Number(declared) : undefined)).toString('utf8');
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new RequestError(400, `The request's body is not JSON: ${(error as Error).message}.`);
  }
}

/** All of a stream, or its first `size` bytes; what follows them is put back. */
function collect(stream: Readable, size: number | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (error?: Error): void => {
      clearTimeout(timer);
      stream.off('data', data).off('end', end).off('close', end).off('error', finish).pause();
      if (error) reject(error);
      else resolve(Buffer.concat(chunks));
    };
    const end = (): void => finish(size === undefined && stream.readableEnded ? undefined : new RequestError(400, "The request's body ended early."));
    const data = (chunk: Buffer): void => {
      const surplus = size === undefined ? 0 : Math.max(0, length + chunk.length - size);
      const wanted = chunk.length - surplus;
      length += wanted;
      chunks.push(chunk.subarray(0, wanted));
      if (length > maximalSize) finish(tooBig());
      else if (length === size) finish();
      if (surplus > 0) stream.unshift(chunk.subarray(wanted));
    };
    const timer = setTimeout(() => finish(new RequestError(408, `The request's body did not come within ${deadline / 1000} seconds.`)), deadline);
    stream.on('data', data).on('end', end).on('close', end).on('error', finish);
  });
}

function tooBig(): RequestError {
  return new RequestError(413, `The request's body is bigger than ${maximalSize} bytes.`);
}
