/** `hako load`: the images of an archive that `docker save` or another tool made. */
import { openArchive } from '../archive-file.ts';
import { send } from '../client.ts';
import { defineCommand } from '../command.ts';
import { printProgress } from '../progress-stream.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: {
    input: { kind: 'string', short: 'i', help: 'Read from tar archive file, instead of STDIN', completes: 'file' },
    quiet: { kind: 'bool', short: 'q', help: 'Suppress the load output' },
  },
  async run({ flags }) {
    const response = await send('POST', '/images/load', { query: { quiet: flags.quiet }, upload: openArchive(flags.input ?? '-') });
    await printProgress(response);
  },
});
