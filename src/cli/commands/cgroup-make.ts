/** `hako cgroup make`: a cgroup in the hierarchies of the controllers that are wanted, with limits. */
import { make } from '../../element/cgroup/make.ts';
import { limitFlags, limitsOf } from '../cgroup-flags.ts';
import { cgroups } from '../cgroup-output.ts';
import { defineCommand } from '../command.ts';
import { warn } from '../create-container.ts';
import { explainFlag, take } from '../element.ts';
import { print } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] NAME [FILE=VALUE...]'],
  description:
    'NAME is a path below the root of every hierarchy: demo, or demo/a for a cgroup in a\ncgroup. FILE is any control file, by the name it has on this machine.',
  count: [1, Infinity],
  flags: {
    controllers: { kind: 'string', placeholder: 'list', help: 'Only the hierarchies of these controllers, such as cpu,memory (default: all)' },
    explain: explainFlag,
    ...limitFlags,
  },
  async run({ flags, args: [name = '', ...words] }) {
    const limits = limitsOf(flags, words);
    const controllers = flags.controllers?.split(',').filter(Boolean);
    const made = await take(make(cgroups(), name, limits, controllers), flags.explain);
    if (!made) return;
    made.warnings.forEach(warn);
    print(`${made.cgroup.path}\n`);
  },
});
