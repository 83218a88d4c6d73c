/** `hako lab shell` */
import { setTimeout as pause } from 'node:timers/promises';
import { findLab, noted, shellInLab, startLab, type Lab } from '../../lab/lab.ts';
import { CommandError, defineCommand } from '../command.ts';
import { nameFlag, nameOf, noLab, withLab } from '../lab-flags.ts';

/** How long a terminal waits for a lab that is being made anew, in milliseconds. */
const patience = 10_000;

export const command = defineCommand({
  usage: ['[OPTIONS] [COMMAND] [ARG...]'],
  description:
    'As many terminals as you like. Starts the lab if there is none. With a command: runs that, and exits with its code.\nWhen the lab is made anew (hako lab reset, the next exercise) a terminal goes on in the new one.',
  count: [0, Infinity],
  ownsRest: true,
  flags: { name: nameFlag },
  async run({ flags, args }) {
    const name = nameOf(flags.name);
    return await withLab(async () => {
      const running = findLab(name);
      if (!running && noted(name)) throw noLab(name, noted(name));
      let lab = running ?? (await startLab({ name }));
      for (;;) {
        const code = await shellInLab(lab, args);
        if (args.length > 0) return code;
        const next = await successor(lab);
        if (next === undefined) return code;
        process.stdout.write(`\r\nThe lab was made anew. This terminal goes on in the new one.\r\n`);
        lab = next;
      }
    });
  },
});

/** The lab that has taken another's place; undefined where that still runs: then a person has left. @throws CommandError where it has ended */
async function successor({ name, pid, startTime }: Lab): Promise<Lab | undefined> {
  const isSame = (lab: Lab | undefined): boolean => lab?.pid === pid && lab.startTime === startTime;
  for (const until = Date.now() + patience; Date.now() < until; await pause(50)) {
    const found = findLab(name);
    if (found) return isSame(found) ? undefined : found;
    if (!noted(name) && Date.now() > until - patience / 2) break; // stopped, and nobody makes it anew
  }
  throw new CommandError(`the lab "${name}" has ended`, { hint: 'Bring it back with: hako lab reset' });
}
