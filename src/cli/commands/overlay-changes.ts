/** `hako overlay changes`: what a container, or the top layer of others, changed, and what the kernel had to copy for it. */
import { changedFiles, type ChangedFile } from '../../element/overlay/changes.ts';
import { layerIndex, stackFrom, withStack } from '../../element/overlay/stack.ts';
import { alignColumns } from '../columns.ts';
import { defineCommand } from '../command.ts';
import { refusal } from '../element.ts';
import { listFormatFlag } from '../format-flag.ts';
import type { ListFormat } from '../list-output.ts';
import { overlayTarget, rowsText, stackHelp, userXattrFlag } from '../overlay-target.ts';
import { count, humanSize } from '../units.ts';

const size = (bytes: number | undefined): string => (bytes === undefined ? '' : humanSize(bytes));

const listing: ListFormat<ChangedFile> = {
  columns: {
    Kind: { header: 'WHAT', value: ({ kind, opaque, type }) => (opaque ? 'opaque' : type === 'directory' && kind !== 'attributes' ? `${kind} dir` : kind) },
    From: { header: 'FROM', value: ({ from = '' }) => from },
    Copied: { header: 'COPIED', value: ({ copiedBytes }) => size(copiedBytes) },
    Changed: { header: 'CHANGED', value: ({ copiedBytes, changedBytes }) => (copiedBytes && changedBytes === undefined ? '?' : size(changedBytes)) },
    Size: { header: 'SIZE', value: (file) => (file.type === 'directory' ? '' : size(file.size)) },
    Disk: { header: 'DISK', value: (file) => size(file.allocated) },
    Type: { header: 'TYPE', value: ({ type }) => type },
    When: { header: 'WHEN', value: ({ at = '' }) => at.slice(0, 16).replace('T', ' ') },
    Path: {
      header: 'PATH',
      value: ({ path, movedFrom, linkOf }) => (movedFrom ? `${path} (was ${movedFrom})` : linkOf ? `${path} (link to ${linkOf})` : path),
    },
  },
  table: ['Kind', 'From', 'Copied', 'Changed', 'Size', 'When', 'Path'],
  quietColumn: 'Path',
};

export const command = defineCommand({
  usage: ['[OPTIONS] TARGET'],
  description: [
    "Show what the top layer, a container's own, holds against those below, the most",
    'expensive first: files copied up (COPIED whole at the first write, CHANGED by so',
    'much; 0B are attributes alone), moved, made anew in the place of one below,',
    'added, deleted. Of TARGET@LAYER, what that layer changed.',
    '',
    stackHelp,
  ].join('\n'),
  count: [1, 1],
  completes: ['container'],
  flags: {
    compare: { kind: 'bytes', placeholder: 'bytes', default: '1g', help: 'Read so much at most to count changed bytes; 0 reads nothing' },
    format: listFormatFlag,
    quiet: { kind: 'bool', short: 'q', help: 'Only display paths' },
    userxattr: userXattrFlag,
  },
  async run({ flags, args: [name = ''] }) {
    try {
      const { stack, layer } = await overlayTarget(name, { userXattr: flags.userxattr });
      const seen = layer === undefined ? stack : stackFrom(stack, layerIndex(stack, layer));
      const files = withStack(seen, (open) => changedFiles(open, { left: flags.compare ?? 2 ** 30 }));
      if (!flags.format && !flags.quiet) process.stdout.write(summary(seen.of, files));
      process.stdout.write(flags.format || flags.quiet ? await rowsText(files, listing, flags) : table(files));
    } catch (error) {
      throw refusal(error);
    }
  },
});

function table(files: readonly ChangedFile[]): string {
  const columns = listing.table.map((column) => listing.columns[column]!);
  return files.length ? alignColumns([columns.map(({ header }) => header), ...files.map((file) => columns.map(({ value }) => value(file)))], { least: 0 }) : '';
}

function summary(of: string, files: readonly ChangedFile[]): string {
  const copied = files.filter(({ copiedBytes }) => copiedBytes !== undefined);
  const sum = (list: readonly ChangedFile[], value: (file: ChangedFile) => number | undefined): number =>
    list.reduce((total, file) => total + (value(file) ?? 0), 0);
  const known = copied.every(({ copiedBytes, changedBytes }) => !copiedBytes || changedBytes !== undefined);
  const made = files.filter(({ kind, type }) => (kind === 'added' || kind === 'replaced') && type === 'file');
  const gone = files.filter(({ kind }) => kind === 'deleted').length;
  const changed = known && copied.length ? `, for ${humanSize(sum(copied, (f) => f.changedBytes))} changed` : '';
  return [
    `${of}: ${count(copied.length, 'file')} copied up, ${humanSize(sum(copied, (f) => f.copiedBytes))}${changed}`,
    `${count(made.length, 'file')} written, ${humanSize(sum(made, (f) => f.size))}; ${gone} deleted\n\n`,
  ].join('; ');
}
