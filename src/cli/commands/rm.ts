/** `hako rm`: removes containers. */
import { ApiError, request, segment } from '../client.ts';
import { defineCommand } from '../command.ts';
import { each } from '../each.ts';
import { complain } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER [CONTAINER...]'],
  count: [1, Infinity],
  completes: ['container'],
  flags: {
    force: { kind: 'bool', short: 'f', help: 'Force the removal of a running container (uses SIGKILL)' },
    volumes: { kind: 'bool', short: 'v', help: 'Remove anonymous volumes associated with the container' },
  },
  run: ({ flags, args }) =>
    each(args, async (name) => {
      try {
        await request('DELETE', `/containers/${segment(name)}`, { query: { force: flags.force, v: flags.volumes } });
      } catch (error) {
        // What is forced to be gone and is not there is as wanted; said, but no failure. Docker does so too.
        if (!flags.force || !(error instanceof ApiError) || error.status !== 404) throw error;
        complain(error.message);
      }
    }),
});
