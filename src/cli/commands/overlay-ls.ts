/** `hako overlay ls`: what is in a directory of an image, a container or one layer, and from which layer. */
import { defineCommand } from '../command.ts';
import { listFormatFlag } from '../format-flag.ts';
import type { ListFormat } from '../list-output.ts';
import { overlayTarget, rowsText, targetHelp, userXattrFlag } from '../overlay-target.ts';
import { humanSize } from '../units.ts';
import { refusal } from '../element.ts';
import { list, type Listed } from '../../element/overlay/files.ts';
import { onlyLayer, withStack } from '../../element/overlay/stack.ts';

const listing: ListFormat<Listed> = {
  columns: {
    Mode: { header: 'MODE', value: ({ mode }) => mode },
    Owner: { header: 'OWNER', value: ({ uid, gid }) => `${uid}:${gid}` },
    Size: { header: 'SIZE', value: ({ type, size }) => (type === 'file' ? humanSize(size) : '') },
    Modified: { header: 'MODIFIED', value: ({ modified }) => modified.slice(0, 16).replace('T', ' ') },
    Layer: { header: 'LAYER', value: ({ layer, merged }) => (merged ?? [layer]).join('+') },
    Type: { header: 'TYPE', value: ({ type, opaque }) => (opaque ? `opaque ${type}` : type) },
    Path: { header: 'PATH', value: ({ path, target }) => (target === undefined ? path : `${path} -> ${target}`) },
  },
  table: ['Mode', 'Owner', 'Size', 'Modified', 'Layer', 'Type', 'Path'],
  quietColumn: 'Path',
};

export const command = defineCommand({
  usage: ['[OPTIONS] TARGET [PATH]'],
  description: `List a directory as the layers show it, with the layer that each name is from; of one\nlayer alone, with its whiteouts and opaque directories.\n\n${targetHelp}`,
  count: [1, 2],
  completes: ['container', 'file'],
  flags: {
    format: listFormatFlag,
    quiet: { kind: 'bool', short: 'q', help: 'Only display paths' },
    recursive: { kind: 'bool', short: 'R', help: 'List what is in directories too' },
    userxattr: userXattrFlag,
  },
  async run({ flags, args: [name = '', path = '/'] }) {
    try {
      const { stack, layer } = await overlayTarget(name, { userXattr: flags.userxattr });
      const alone = layer !== undefined;
      const rows = withStack(alone ? onlyLayer(stack, layer) : stack, (open) => [...list(open, path, { recursive: flags.recursive, alone })]);
      process.stdout.write(await rowsText(rows, listing, flags));
    } catch (error) {
      throw refusal(error);
    }
  },
});
