/** Reads the API's streams of JSON: one object a line, as they come. */
import type { Readable } from 'node:stream';

/** The text of each line, without empty ones. */
export async function* jsonLines(stream: Readable): AsyncGenerator<string> {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    const lines = (rest + (chunk as string)).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.trim()) yield line;
  }
  if (rest.trim()) yield rest;
}
