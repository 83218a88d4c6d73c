/** `hako lab reset` */
import { resetLab } from '../../lab/lab.ts';
import { defineCommand } from '../command.ts';
import { ceilingFlags, nameFlag, nameOf, withLab } from '../lab-flags.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description: 'Ends the lab, whatever state it is in, and makes it anew as it was first asked for.',
  count: [0, 0],
  flags: { name: nameFlag, 'real-root': { ...ceilingFlags['real-root'] } },
  async run({ flags, given }) {
    const lab = await withLab(() => resetLab(nameOf(flags.name), given.has('real-root') ? { realRoot: flags['real-root'] } : {}));
    process.stdout.write(`The lab "${lab.name}" is as new (its first process is ${lab.pid} here).\n`);
  },
});
