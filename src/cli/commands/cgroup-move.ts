/** `hako cgroup move`: processes into a cgroup, or out to the root. */
import { move } from '../../element/cgroup/run.ts';
import { cgroups } from '../cgroup-output.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag, take } from '../element.ts';

export const command = defineCommand({
  usage: ['NAME PID [PID...]'],
  description:
    "Moves whole processes, with all their threads; what they start later is born there too.\n'/' as NAME takes them out. A shell moves itself with: hako cgroup move demo $$",
  count: [2, Infinity],
  flags: { explain: explainFlag },
  async run({ flags, args: [name = '', ...words] }) {
    const pids = words.map((word) => {
      if (!/^\d{1,9}$/.test(word)) throw new UsageError(`"${word}" is not a process id`);
      return Number(word);
    });
    await take(move(cgroups(), name, pids), flags.explain);
  },
});
