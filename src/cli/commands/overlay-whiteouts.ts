/** `hako overlay whiteouts`: what layers say is not there: whiteouts, opaque directories, and what redirect_dir and metacopy leave. */
import { layerMarks, type LayerMark } from '../../element/overlay/marks.ts';
import { withStack } from '../../element/overlay/stack.ts';
import { defineCommand } from '../command.ts';
import { refusal } from '../element.ts';
import { listFormatFlag } from '../format-flag.ts';
import type { ListFormat } from '../list-output.ts';
import { overlayTarget, rowsText, targetHelp, userXattrFlag } from '../overlay-target.ts';
import { humanSize } from '../units.ts';

const listing: ListFormat<LayerMark> = {
  columns: {
    Layer: { header: 'LAYER', value: ({ layer }) => layer },
    Kind: { header: 'KIND', value: ({ kind }) => kind },
    Hides: { header: 'HIDES', value: ({ hiddenFiles, hiddenBytes }) => (hiddenFiles ? `${humanSize(hiddenBytes)} in ${hiddenFiles}` : '-') },
    Path: { header: 'PATH', value: ({ path, target }) => (target === undefined ? path : `${path} -> ${target}`) },
  },
  table: ['Layer', 'Kind', 'Hides', 'Path'],
  quietColumn: 'Path',
};

export const command = defineCommand({
  usage: ['[OPTIONS] TARGET'],
  description: [
    'List whiteouts (character devices 0:0: the name is gone), opaque directories',
    '(nothing below shows in them), redirects and files without content, and how many',
    'bytes in how many files of the layers below each hides.',
    '',
    targetHelp,
  ].join('\n'),
  count: [1, 1],
  completes: ['container'],
  flags: { format: listFormatFlag, quiet: { kind: 'bool', short: 'q', help: 'Only display paths' }, userxattr: userXattrFlag },
  async run({ flags, args: [name = ''] }) {
    try {
      const { stack, layer } = await overlayTarget(name, { userXattr: flags.userxattr });
      const marks = withStack(stack, (open) => layerMarks(open)).filter((mark) => layer === undefined || mark.layer === layer);
      process.stdout.write(await rowsText(marks, listing, flags));
    } catch (error) {
      throw refusal(error);
    }
  },
});
