/** `hako container prune`: removes all stopped containers. */
import { defineCommand } from '../command.ts';
import { confirm, printPruned, pruneContainers, pruneFlags } from '../prune.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: pruneFlags,
  async run({ flags }) {
    await confirm('This will remove all stopped containers.', flags.force);
    printPruned([await pruneContainers(flags.filter)]);
  },
});
