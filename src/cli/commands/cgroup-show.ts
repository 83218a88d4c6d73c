/** `hako cgroup show`: limits and use of cgroups, controller by controller, each number with what it means. */
import { cgroupOfProcess } from '../../element/cgroup/machine.ts';
import { existing, has } from '../../element/cgroup/name.ts';
import { view } from '../../element/cgroup/show.ts';
import { cgroups, viewText } from '../cgroup-output.ts';
import { defineCommand } from '../command.ts';
import { containerProcess } from '../containers-known.ts';
import { refusal } from '../element.ts';
import { streamFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] NAME|CONTAINER [NAME|CONTAINER...]'],
  count: [1, Infinity],
  flags: { format: streamFormatFlag },
  async run({ flags, args }) {
    const views = [];
    for (const name of args) {
      try {
        views.push(view((await ofContainer(name)) ?? existing(cgroups(), name)));
      } catch (error) {
        throw refusal(error);
      }
    }
    if (flags.format) process.stdout.write(await formatObjects(views, flags.format));
    else process.stdout.write(views.map((one) => viewText(one, process.stdout.columns || 80)).join('\n'));
  },
});

/** A container's cgroup, where no cgroup has the name. */
async function ofContainer(name: string): Promise<ReturnType<typeof cgroupOfProcess>> {
  if (name.includes('/') || has(cgroups(), name)) return undefined;
  const pid = await containerProcess(name);
  return pid === undefined ? undefined : cgroupOfProcess(cgroups(), pid);
}
