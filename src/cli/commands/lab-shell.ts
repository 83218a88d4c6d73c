/** `hako lab shell` */
import { findLab, noted, shellInLab, startLab } from '../../lab/lab.ts';
import { defineCommand } from '../command.ts';
import { nameFlag, nameOf, noLab, withLab } from '../lab-flags.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [COMMAND] [ARG...]'],
  description: 'As many terminals as you like. Starts the lab if there is none. With a command: runs that, and exits with its code.',
  count: [0, Infinity],
  ownsRest: true,
  flags: { name: nameFlag },
  async run({ flags, args }) {
    const name = nameOf(flags.name);
    return await withLab(async () => {
      const running = findLab(name);
      if (!running && noted(name)) throw noLab(name, noted(name));
      return await shellInLab(running ?? (await startLab({ name })), args);
    });
  },
});
