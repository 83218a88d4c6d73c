/** `hako cgroup run`: a command in a cgroup, in the foreground. */
import { run } from '../../element/cgroup/run.ts';
import { limitFlags, limitsOf } from '../cgroup-flags.ts';
import { cgroups } from '../cgroup-output.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag, take } from '../element.ts';
import { ownEnvironment } from '../own-environment.ts';

export const command = defineCommand({
  usage: ['NAME [--] COMMAND [ARG...]', '--rm [OPTIONS] NAME [--] COMMAND [ARG...]'],
  description: 'With --rm the cgroup is made for this run, with the limits given, and removed afterwards,\nwith what is left running in it.',
  count: [2, Infinity],
  ownsRest: true,
  flags: { explain: explainFlag, rm: { kind: 'bool', help: 'Make the cgroup for this run, and remove it afterwards' }, ...limitFlags },
  async run({ flags, args: [name = '', ...rest], given }) {
    const args = rest[0] === '--' ? rest.slice(1) : rest;
    if (args.length === 0) throw new UsageError('no command given: hako cgroup run NAME -- COMMAND');
    const limit = [...given].find((flag) => flag !== 'explain' && flag !== 'rm');
    if (limit && !flags.rm) throw new UsageError(`--${limit} is for a cgroup made by --rm; set the limits of one that is there with: hako cgroup set ${name}`);
    const plan = { args, env: ownEnvironment(), ...(flags.rm ? { make: limitsOf(flags) } : {}) };
    return await take(run(cgroups(), name, plan), flags.explain);
  },
});
