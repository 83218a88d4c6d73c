/** `hako export`: a container's whole file system as a tar archive. */
import { saveArchive } from '../archive-file.ts';
import { segment, send } from '../client.ts';
import { defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER'],
  count: [1, 1],
  completes: ['container'],
  flags: { output: { kind: 'string', short: 'o', help: 'Write to a file, instead of STDOUT', completes: 'file' } },
  run: ({ flags, args: [name = ''] }) => saveArchive(() => send('GET', `/containers/${segment(name)}/export`), flags.output),
});
