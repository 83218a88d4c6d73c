/** `hako inspect`: a container, an image or a volume by its name or id. */
import { CommandError, defineCommand } from '../command.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { inspectObjects, type ObjectType } from '../inspect-objects.ts';

const types: readonly ObjectType[] = ['container', 'image', 'volume'];

export const command = defineCommand({
  usage: ['[OPTIONS] NAME|ID [NAME|ID...]'],
  count: [1, Infinity],
  completes: ['container'],
  flags: {
    format: objectFormatFlag,
    size: { kind: 'bool', short: 's', help: 'Display total file sizes if the type is container' },
    type: { kind: 'string', help: 'Only inspect objects of the given type', completes: types },
  },
  run({ flags, args }) {
    const { type } = flags;
    if (type !== undefined && !(types as readonly string[]).includes(type)) {
      throw new CommandError(`invalid type '${type}': it must be one of ${types.join(', ')}`);
    }
    return inspectObjects(args, type ? [type as ObjectType] : types, flags);
  },
});
