/** `hako cgroup set`: limits of a cgroup, by Docker's flags or by the files' own names. */
import { set } from '../../element/cgroup/make.ts';
import { limitFlags, limitsOf } from '../cgroup-flags.ts';
import { cgroups } from '../cgroup-output.ts';
import { defineCommand, UsageError } from '../command.ts';
import { warn } from '../create-container.ts';
import { explainFlag, take } from '../element.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] NAME [FILE=VALUE...]'],
  description:
    'What is not named stays as it is. FILE is any control file, by the name it has on this\nmachine: cpu.shares=512 with version 1, cpu.weight=50 with version 2.',
  count: [1, Infinity],
  flags: { explain: explainFlag, ...limitFlags },
  async run({ flags, args: [name = '', ...words], given }) {
    if (words.length === 0 && [...given].every((flag) => flag === 'explain'))
      throw new UsageError('nothing to set: give a limit such as --cpus 0.3, or FILE=VALUE');
    const limits = limitsOf(flags, words);
    const changed = await take(set(cgroups(), name, limits), flags.explain);
    changed?.warnings.forEach(warn);
  },
});
