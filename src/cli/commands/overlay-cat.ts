/** `hako overlay cat`: what is in a file of an image, a container or one layer, also where another layer hides it. */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { defineCommand } from '../command.ts';
import { overlayTarget, targetHelp, userXattrFlag } from '../overlay-target.ts';
import { refusal } from '../element.ts';
import { openContent } from '../../element/overlay/files.ts';
import { onlyLayer, withStack } from '../../element/overlay/stack.ts';

export const command = defineCommand({
  usage: ['TARGET PATH'],
  description: `Write a file to stdout. Links are followed within the layers.\n\n${targetHelp}`,
  count: [2, 2],
  completes: ['container', 'file'],
  flags: { userxattr: userXattrFlag },
  async run({ flags, args: [name = '', path = ''] }) {
    try {
      const { stack, layer } = await overlayTarget(name, { userXattr: flags.userxattr });
      const { fd } = withStack(layer === undefined ? stack : onlyLayer(stack, layer), (open) => openContent(open, path));
      await pipeline(createReadStream('', { fd, highWaterMark: 1 << 20 }), process.stdout, { end: false });
    } catch (error) {
      throw refusal(error);
    }
  },
});
