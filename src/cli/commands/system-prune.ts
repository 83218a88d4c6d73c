/** `hako system prune`: removes stopped containers, unused images and, when asked, volumes. */
import { defineCommand } from '../command.ts';
import { confirm, printPruned, pruneContainers, pruneFlags, pruneImages, pruneVolumes, type Pruned } from '../prune.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: {
    ...pruneFlags,
    all: { kind: 'bool', short: 'a', help: 'Remove all unused images not just dangling ones' },
    volumes: { kind: 'bool', help: 'Prune anonymous volumes' },
  },
  async run({ flags }) {
    const removed = [
      'all stopped containers',
      ...(flags.volumes ? ['all anonymous volumes not used by at least one container'] : []),
      flags.all ? 'all images without at least one container associated to them' : 'all dangling images',
    ];
    await confirm(`This will remove:\n${removed.map((line) => `  - ${line}\n`).join('')}`, flags.force);
    const pruned: Pruned[] = [await pruneContainers(flags.filter)];
    if (flags.volumes) pruned.push(await pruneVolumes(flags.filter, false));
    pruned.push(await pruneImages(flags.filter, flags.all));
    printPruned(pruned);
  },
});
