/** `hako update`: changes the limits of containers, also while they run. */
import { post, segment } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';
import { resourceFlags } from '../container-flags.ts';
import { resources } from '../create-body.ts';
import { warn } from '../create-container.ts';
import { each } from '../each.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER [CONTAINER...]'],
  count: [1, Infinity],
  completes: ['container'],
  flags: resourceFlags,
  async run({ flags, args, given }) {
    if (given.size === 0) throw new CommandError('you must provide one or more flags when using this command', { hint: "See 'hako update --help'." });
    const body = resources(flags);
    return each(args, async (name) => {
      const { Warnings } = await post<{ Warnings: string[] | null }>(`/containers/${segment(name)}/update`, {}, body);
      for (const warning of Warnings ?? []) warn(warning);
    });
  },
});
