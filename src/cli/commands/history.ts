/** `hako history`: how an image came to be, the last step first. */
import type { HistoryItem } from '../../api/schema.ts';
import { get, segment } from '../client.ts';
import { defineCommand } from '../command.ts';
import { listFormatFlag } from '../format-flag.ts';
import { listText, type ListFormat } from '../list-output.ts';
import { ago, ellipsis, humanSize, shortId } from '../units.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] IMAGE'],
  count: [1, 1],
  completes: ['image'],
  flags: {
    format: listFormatFlag,
    human: { kind: 'bool', short: 'H', help: 'Print sizes and dates in human readable format', default: true },
    'no-trunc': { kind: 'bool', help: "Don't truncate output" },
    quiet: { kind: 'bool', short: 'q', help: 'Only show image IDs' },
  },
  async run({ flags, args: [name = ''] }) {
    const items = await get<HistoryItem[]>(`/images/${segment(name)}/history`);
    process.stdout.write(await listText(items, historyList(!flags['no-trunc'], flags.human), flags));
  },
});

function historyList(truncate: boolean, human: boolean): ListFormat<HistoryItem> {
  const at = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
  const createdBy = (text: string): string => text.replaceAll('\t', ' ').trim();
  return {
    columns: {
      Comment: { header: 'COMMENT', value: ({ Comment }) => Comment },
      CreatedAt: { header: 'CREATED AT', value: ({ Created }) => at(Created) },
      CreatedBy: { header: 'CREATED BY', value: ({ CreatedBy }) => (truncate ? ellipsis(createdBy(CreatedBy), 45) : createdBy(CreatedBy)) },
      CreatedSince: { header: 'CREATED', value: ({ Created }) => (Created <= 0 ? 'N/A' : human ? ago(Created) : at(Created)) },
      ID: { header: 'IMAGE', value: ({ Id }) => (truncate ? shortId(Id) : Id) },
      Size: { header: 'SIZE', value: ({ Size }) => (human ? humanSize(Size) : String(Size)) },
    },
    table: ['ID', human ? 'CreatedSince' : 'CreatedAt', 'CreatedBy', 'Size', 'Comment'],
    quietColumn: 'ID',
  };
}
