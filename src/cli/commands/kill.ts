/** `hako kill`: a signal to a container's first process. */
import { post, segment } from '../client.ts';
import { defineCommand } from '../command.ts';
import { each } from '../each.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER [CONTAINER...]'],
  count: [1, Infinity],
  completes: ['running'],
  flags: { signal: { kind: 'string', short: 's', help: 'Signal to send to the container', default: 'KILL' } },
  run: ({ flags, args }) => each(args, (name) => post(`/containers/${segment(name)}/kill`, { signal: flags.signal ?? 'KILL' })),
});
