/** `hako cgroup kill`: ends all processes of cgroups, and of those below them, at once. */
import { killNamed } from '../../element/cgroup/run.ts';
import { cgroups, eachCgroup } from '../cgroup-output.ts';
import { defineCommand } from '../command.ts';
import { explainFlag } from '../element.ts';

export const command = defineCommand({
  usage: ['NAME [NAME...]'],
  count: [1, Infinity],
  flags: { explain: explainFlag },
  run: ({ flags, args }) => eachCgroup(args, flags.explain, (name) => killNamed(cgroups(), name)),
});
