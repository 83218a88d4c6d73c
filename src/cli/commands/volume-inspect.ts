/** `hako volume inspect`. */
import { defineCommand } from '../command.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { inspectObjects } from '../inspect-objects.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] VOLUME [VOLUME...]'],
  count: [1, Infinity],
  completes: ['volume'],
  flags: { format: objectFormatFlag },
  run: ({ flags, args }) => inspectObjects(args, ['volume'], flags),
});
