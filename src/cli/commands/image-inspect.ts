/** `hako image inspect`. */
import { defineCommand } from '../command.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { inspectObjects } from '../inspect-objects.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] IMAGE [IMAGE...]'],
  count: [1, Infinity],
  completes: ['image'],
  flags: { format: objectFormatFlag },
  run: ({ flags, args }) => inspectObjects(args, ['image'], flags),
});
