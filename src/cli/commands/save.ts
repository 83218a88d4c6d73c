/** `hako save`: images as one archive, in the form of `docker save`. */
import { saveArchive } from '../archive-file.ts';
import { send } from '../client.ts';
import { defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] IMAGE [IMAGE...]'],
  count: [1, Infinity],
  completes: ['image'],
  flags: { output: { kind: 'string', short: 'o', help: 'Write to a file, instead of STDOUT', completes: 'file' } },
  run: ({ flags, args }) => saveArchive(() => send('GET', '/images/get', { query: { names: args } }), flags.output),
});
