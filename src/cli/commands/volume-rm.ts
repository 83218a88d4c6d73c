/** `hako volume rm`: removes volumes, with what they hold. */
import { ApiError, request, segment } from '../client.ts';
import { defineCommand } from '../command.ts';
import { each } from '../each.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] VOLUME [VOLUME...]'],
  description: 'You cannot remove a volume that is in use by a container.',
  count: [1, Infinity],
  completes: ['volume'],
  flags: { force: { kind: 'bool', short: 'f', help: 'Force the removal of one or more volumes' } },
  run: ({ flags, args }) =>
    each(args, async (name) => {
      try {
        await request('DELETE', `/volumes/${segment(name)}`, { query: { force: flags.force } });
      } catch (error) {
        if (!flags.force || !(error instanceof ApiError) || error.status !== 404) throw error;
      }
    }),
});
