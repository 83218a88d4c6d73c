/** `hako container inspect`. */
import { defineCommand } from '../command.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { inspectObjects } from '../inspect-objects.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER [CONTAINER...]'],
  count: [1, Infinity],
  completes: ['container'],
  flags: { format: objectFormatFlag, size: { kind: 'bool', short: 's', help: 'Display total file sizes' } },
  run: ({ flags, args }) => inspectObjects(args, ['container'], flags),
});
