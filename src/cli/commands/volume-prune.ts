/** `hako volume prune`: removes volumes that no container uses. */
import { defineCommand } from '../command.ts';
import { confirm, printPruned, pruneFlags, pruneVolumes } from '../prune.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: { ...pruneFlags, all: { kind: 'bool', short: 'a', help: 'Remove all unused volumes, not just anonymous ones' } },
  async run({ flags }) {
    await confirm(`This will remove ${flags.all ? 'all' : 'anonymous'} local volumes not used by at least one container.`, flags.force);
    printPruned([await pruneVolumes(flags.filter, flags.all)]);
  },
});
