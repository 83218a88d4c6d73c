/** `hako top`: the processes of a container, as ps prints them. */
import type { ContainerTop } from '../../api/schema.ts';
import { get, segment } from '../client.ts';
import { alignColumns } from '../columns.ts';
import { defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: ['CONTAINER [ps OPTIONS]'],
  count: [1, Infinity],
  completes: ['running'],
  ownsRest: true,
  flags: {},
  async run({ args: [name = '', ...psArguments] }) {
    const { Titles, Processes } = await get<ContainerTop>(`/containers/${segment(name)}/top`, { ps_args: psArguments.join(' ') });
    process.stdout.write(alignColumns([Titles, ...Processes], { least: 20 }));
  },
});
