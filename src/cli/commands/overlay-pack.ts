/** `hako overlay pack`: what a container changed, or any upper directory, as a layer. */
import type { Readable } from 'node:stream';
import { pack } from '../../element/overlay/pack.ts';
import { layerIndex, stackFrom } from '../../element/overlay/stack.ts';
import { saveArchive } from '../archive-file.ts';
import { CommandError, defineCommand, UsageError } from '../command.ts';
import { explainFlag, refusal, take } from '../element.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';
import { overlayTarget, targetHelp, userXattrFlag } from '../overlay-target.ts';
import { humanSize } from '../units.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] TARGET'],
  description: [
    'Make a layer of the top layer of TARGET: a tar as images have it, in which whiteouts',
    'and opaque directories are files .wh.NAME and .wh..wh..opq, or a directory for an',
    'overlay. The layers below tell which opaque directories hide anything. A container',
    'that runs goes on meanwhile; hako pause it for changes of one moment.',
    '',
    targetHelp,
  ].join('\n'),
  count: [1, 1],
  completes: ['container'],
  flags: {
    directory: { kind: 'string', short: 'd', placeholder: 'dir', help: 'Make a directory instead of a tar', completes: 'file' },
    explain: explainFlag,
    format: objectFormatFlag,
    output: { kind: 'string', short: 'o', placeholder: 'file', help: 'Write the tar to a file, instead of stdout', completes: 'file' },
    userxattr: userXattrFlag,
    whiteouts: {
      kind: 'string',
      default: 'overlay',
      help: "In the directory: 'overlay' (devices 0:0 and attributes) or 'files'",
      completes: ['overlay', 'files'],
    },
  },
  async run({ flags, args: [name = ''], given }) {
    const { output, directory, whiteouts = 'overlay' } = flags;
    if (output !== undefined && directory !== undefined) throw new UsageError('a layer is made either as a tar (--output) or as a directory (--directory)');
    if (whiteouts !== 'overlay' && whiteouts !== 'files')
      throw new UsageError(`invalid argument "${whiteouts}" for "--whiteouts" flag: it must be overlay or files`);
    if (given.has('whiteouts') && directory === undefined) throw new UsageError('in a tar whiteouts are always files: --whiteouts is for --directory');
    try {
      const { stack, layer, container } = await overlayTarget(name, { userXattr: flags.userxattr });
      const mode = container?.HostConfig.UsernsMode ?? '';
      if (mode !== '' && mode !== 'host')
        throw new CommandError(`${stack.of} has a user namespace of its own, and its layer the host's ids: hako commit translates them`);
      const plan = { stack: layer === undefined ? stack : stackFrom(stack, layerIndex(stack, layer)), output: output ?? '-', directory, whiteouts } as const;
      const save = (tar: Readable): Promise<void> => saveArchive(() => Promise.resolve(tar), output);
      const packed = await take(pack(plan, save), flags.explain);
      if (!packed || (output === undefined && directory === undefined)) return;
      const told = { ...packed, ...(output === undefined ? { directory } : { output }) };
      process.stdout.write(flags.format ? await formatObjects([told], flags.format) : `${packed.digest} ${humanSize(packed.size)}\n`);
    } catch (error) {
      throw refusal(error);
    }
  },
});
