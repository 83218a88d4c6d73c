/** `hako wait`: blocks until containers stop and prints their exit codes. */
import { post, segment } from '../client.ts';
import { defineCommand } from '../command.ts';
import { each } from '../each.ts';
import type { WaitResponse } from '../../api/schema.ts';

export const command = defineCommand({
  usage: ['CONTAINER [CONTAINER...]'],
  count: [1, Infinity],
  completes: ['running'],
  flags: {},
  run: ({ args }) => each(args, async (name) => String((await post<WaitResponse>(`/containers/${segment(name)}/wait`)).StatusCode)),
});
