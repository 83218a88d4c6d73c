/** `hako rmi`: takes names from images, and removes those without any. */
import { request, segment } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';
import { complain } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] IMAGE [IMAGE...]'],
  count: [1, Infinity],
  completes: ['image'],
  flags: {
    force: { kind: 'bool', short: 'f', help: 'Force removal of the image' },
    'no-prune': { kind: 'bool', help: 'Do not delete untagged parents' },
  },
  async run({ flags, args }) {
    let code = 0;
    for (const name of args) {
      try {
        const removed = await request<{ Untagged?: string; Deleted?: string }[]>('DELETE', `/images/${segment(name)}`, {
          query: { force: flags.force, noprune: flags['no-prune'] },
        });
        for (const { Untagged, Deleted } of removed) process.stdout.write(Untagged ? `Untagged: ${Untagged}\n` : `Deleted: ${Deleted}\n`);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        complain(error.message);
        code = 1;
      }
    }
    return code;
  },
});
