/** `hako overlay which`: which layer answers for a path, what each of the others has there, and what hides what. */
import { alignColumns } from '../columns.ts';
import { CommandError, defineCommand } from '../command.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { overlayTarget, targetHelp, userXattrFlag } from '../overlay-target.ts';
import { printable } from '../terminal-text.ts';
import { humanSize } from '../units.ts';
import { refusal } from '../element.ts';
import { which, type LayerAnswer, type Which } from '../../element/overlay/which.ts';
import { stackFrom, layerIndex, withStack } from '../../element/overlay/stack.ts';
import { nameOfHiding } from '../../element/overlay/files.ts';
import { coveringMount } from '../../element/overlay/covered.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] TARGET PATH'],
  description: [
    'Ask each layer for a path, and say which one answers: the file that each has,',
    'whiteouts, opaque directories, redirects, and what hides what. Links in the',
    "path's directories are followed; one at its end is not. Of TARGET@LAYER, what is",
    'above the layer is left out.',
    '',
    targetHelp,
  ].join('\n'),
  count: [2, 2],
  completes: ['container', 'file'],
  flags: { format: objectFormatFlag, userxattr: userXattrFlag },
  async run({ flags, args: [name = '', path = ''] }) {
    try {
      const { stack, layer, container } = await overlayTarget(name, { userXattr: flags.userxattr });
      const seen = layer === undefined ? stack : stackFrom(stack, layerIndex(stack, layer));
      const answer = withStack(seen, (open) => which(open, path));
      const cover = container && coveringMount(container.State.Pid, answer.path);
      if (!cover && answer.layers.every(({ found, above }) => found === 'absent' && !above))
        throw new CommandError(`no layer of ${seen.of} has ${answer.path}`);
      const told = { ...answer, ...(cover ? { mountedOver: cover } : {}) };
      if (flags.format) {
        const { formatObjects } = await import('../object-output.ts');
        process.stdout.write(await formatObjects([told], flags.format));
        return;
      }
      process.stdout.write(whichText(told, seen.of));
      if (cover)
        process.stdout.write(`\nNo process of the container sees this: ${cover.type} is mounted at ${printable(cover.mountPoint)}, above the layers\n`);
    } catch (error) {
      throw refusal(error);
    }
  },
});

/** The answer as text. */
function whichText({ path, shown, links, layers }: Which, of: string): string {
  const followed = links.map((link) => `${printable(`${link.path} is a link to ${link.target} (layer ${link.layer})`)}\n`).join('');
  const head = shown === null ? `${path} is not in ${of}` : `${path} in ${of} is from layer ${shown}`;
  const rows = layers.map((l) => [l.layer, l.found === 'file' ? l.file!.type : l.found === 'whiteout' ? 'whiteout' : '-', ...facts(l), remarks(l)]);
  const table = alignColumns([['LAYER', 'FOUND', 'SIZE', 'MODIFIED', 'STATE'], ...rows], { least: 0 });
  return `${followed}${printable(head)}\n\n${table}`;
}

function facts({ file }: LayerAnswer): [size: string, modified: string] {
  return file ? [file.type === 'file' ? humanSize(file.size) : '', file.modified.slice(0, 16).replace('T', ' ')] : ['', ''];
}

const states: Readonly<Record<LayerAnswer['role'], string>> = {
  shown: 'shown',
  merged: 'merged into it',
  content: 'has the content',
  hidden: 'hidden',
  none: '',
};

/** What the layer does to the answer, in words. */
function remarks({ role, found, file, opaque, redirect, metacopy, hiddenBy, above, path }: LayerAnswer): string {
  const by = hiddenBy && `${role === 'hidden' ? 'hidden' : ''} by the ${nameOfHiding(hiddenBy.kind)} ${hiddenBy.path} of layer ${hiddenBy.layer}`.trim();
  return [
    role === 'hidden' && by ? by : states[role],
    found === 'whiteout' ? (hiddenBy ? 'hides nothing more' : 'hides what is below') : '',
    above ? `has the ${above.kind} ${above.path}` : '',
    opaque ? 'opaque' : '',
    metacopy ? 'attributes only' : '',
    redirect === undefined ? '' : `goes on below at ${redirect}`,
    file?.target === undefined ? '' : `-> ${file.target}`,
    found === 'file' && role !== 'shown' && redirect === undefined && role !== 'hidden' ? (role === 'content' || role === 'merged' ? `at ${path}` : '') : '',
  ]
    .filter(Boolean)
    .join(', ');
}
