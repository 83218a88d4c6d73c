/** `hako overlay waste`: what of an image or a container is stored in vain. */
import { defineCommand, UsageError } from '../command.ts';
import { withStack } from '../../element/overlay/stack.ts';
import { waste } from '../../element/overlay/waste.ts';
import { refusal } from '../element.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';
import { overlayTarget, stackHelp, userXattrFlag } from '../overlay-target.ts';
import { wasteText } from '../overlay-waste-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] TARGET'],
  description: [
    'Show the size of each layer, and what in it is waste: files that later layers',
    'overwrite or delete, and files that are there twice. Layers are never changed, so',
    'what a later one deletes is still stored and carried along. Sizes are those of',
    'the files; HIDES is what a layer wastes of those below it.',
    '',
    stackHelp,
  ].join('\n'),
  count: [1, 1],
  completes: ['container'],
  flags: {
    compare: { kind: 'bool', default: true, help: 'Read files of equal sizes, to find equal contents' },
    format: objectFormatFlag,
    number: { kind: 'int', short: 'n', default: '20', help: 'Show so many of the worst' },
    tree: { kind: 'bool', help: 'Show the worst by directory' },
    userxattr: userXattrFlag,
  },
  async run({ flags, args: [name = ''] }) {
    const most = flags.number ?? 20;
    if (most < 1) throw new UsageError(`invalid argument "${most}" for "-n, --number" flag: it must be 1 or more`);
    try {
      const { stack, layer } = await overlayTarget(name, { userXattr: flags.userxattr });
      if (layer !== undefined) throw new UsageError(`waste is counted over all layers: leave out @${layer}`);
      const counted = withStack(stack, (open) => waste(open, flags.compare));
      if (flags.format) process.stdout.write(await formatObjects([counted], flags.format));
      else process.stdout.write(wasteText(counted, { most, tree: flags.tree, width: Math.max(process.stdout.columns || 100, 80) }));
    } catch (error) {
      throw refusal(error);
    }
  },
});
