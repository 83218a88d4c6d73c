/** `hako restart`: stop, then start. */
import { post, segment } from '../client.ts';
import { defineCommand } from '../command.ts';
import { each } from '../each.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER [CONTAINER...]'],
  count: [1, Infinity],
  completes: ['container'],
  flags: {
    signal: { kind: 'string', short: 's', help: 'Signal to send to the container' },
    timeout: { kind: 'int', short: 't', help: 'Seconds to wait before killing the container' },
    time: { kind: 'int', help: 'Seconds to wait before killing the container', aliasOf: 'timeout' },
  },
  run: ({ flags, args }) => each(args, (name) => post(`/containers/${segment(name)}/restart`, { signal: flags.signal, t: flags.timeout })),
});
