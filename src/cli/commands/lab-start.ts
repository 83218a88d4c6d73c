/** `hako lab start` */
import { startLab } from '../../lab/lab.ts';
import { defineCommand } from '../command.ts';
import { ceilingFlags, nameFlag, nameOf, withLab } from '../lab-flags.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  description: 'A throw-away machine to try things in: nothing in it reaches beyond it, and it goes as a whole.',
  count: [0, 0],
  flags: { name: nameFlag, ...ceilingFlags },
  async run({ flags, given }) {
    const lab = await withLab(() =>
      startLab({
        name: nameOf(flags.name),
        ...(given.has('real-root') ? { realRoot: flags['real-root'] } : {}),
        ...(flags.memory === undefined ? {} : { memory: flags.memory }),
        ...(flags['pids-limit'] === undefined ? {} : { pids: flags['pids-limit'] }),
        ...(flags.size === undefined ? {} : { size: flags.size }),
      }),
    );
    const by = lab.name === 'lab' ? '' : ` --name ${lab.name}`;
    process.stdout.write(`The lab "${lab.name}" runs (its first process is ${lab.pid} here). A terminal in it: hako lab shell${by}\n`);
  },
});
