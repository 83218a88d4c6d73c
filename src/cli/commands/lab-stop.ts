/** `hako lab stop` */
import { noted, stopLab } from '../../lab/lab.ts';
import { CommandError, defineCommand } from '../command.ts';
import { nameFlag, nameOf, noLab, withLab } from '../lab-flags.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description: 'Ends the lab and takes away all of it, then looks whether anything is left on the machine.',
  count: [0, 0],
  flags: { name: nameFlag },
  async run({ flags }) {
    const name = nameOf(flags.name);
    const [before, left] = await withLab(async () => [noted(name), await stopLab(name)] as const);
    if (left.length > 0)
      throw new CommandError(`the lab "${name}" has ended, and left ${left.length} things:\n${left.map((line) => `  ${line}`).join('\n')}`, {
        hint: 'Stop it again once what holds them has ended.',
      });
    if (!before) throw noLab(name, undefined);
    process.stdout.write(`The lab "${name}" has ended. Nothing is left: no process, no cgroup, no mount, no file.\n`);
  },
});
