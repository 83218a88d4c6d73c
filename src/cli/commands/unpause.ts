/** `hako unpause`: the container's cgroup goes on. */
import { post, segment } from '../client.ts';
import { defineCommand } from '../command.ts';
import { each } from '../each.ts';

export const command = defineCommand({
  usage: ['CONTAINER [CONTAINER...]'],
  count: [1, Infinity],
  completes: ['running'],
  flags: {},
  run: ({ args }) => each(args, (name) => post(`/containers/${segment(name)}/unpause`)),
});
