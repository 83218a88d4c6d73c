/** `hako cgroup remove`: removes cgroups from every hierarchy. */
import { remove } from '../../element/cgroup/run.ts';
import { cgroups, eachCgroup } from '../cgroup-output.ts';
import { defineCommand } from '../command.ts';
import { explainFlag } from '../element.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] NAME [NAME...]'],
  count: [1, Infinity],
  flags: { explain: explainFlag, force: { kind: 'bool', short: 'f', help: 'Kill the processes in it, and remove the cgroups below it too' } },
  run: ({ flags, args }) => eachCgroup(args, flags.explain, (name) => remove(cgroups(), name, flags.force)),
});
