/** `hako image prune`: removes images that nothing uses. */
import { defineCommand } from '../command.ts';
import { confirm, printPruned, pruneFlags, pruneImages } from '../prune.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: { ...pruneFlags, all: { kind: 'bool', short: 'a', help: 'Remove all unused images, not just dangling ones' } },
  async run({ flags }) {
    await confirm(
      flags.all ? 'This will remove all images without at least one container associated to them.' : 'This will remove all dangling images.',
      flags.force,
    );
    printPruned([await pruneImages(flags.filter, flags.all)]);
  },
});
