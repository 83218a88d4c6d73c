/** `hako rename`: gives a container another name. */
import { post, segment } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: ['CONTAINER NEW_NAME'],
  count: [2, 2],
  completes: ['container'],
  flags: {},
  async run({ args: [from = '', to = ''] }) {
    if (!from || !to) throw new CommandError('neither the old nor the new name may be empty');
    await post(`/containers/${segment(from)}/rename`, { name: to });
  },
});
