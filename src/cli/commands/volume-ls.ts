/** `hako volume ls`: the list of volumes. */
import type { VolumeInspect } from '../../api/schema.ts';
import { filterQuery, get } from '../client.ts';
import { defineCommand } from '../command.ts';
import { listFormatFlag } from '../format-flag.ts';
import { listText, type ListFormat } from '../list-output.ts';
import { humanSize } from '../units.ts';

const volumeList: ListFormat<VolumeInspect> = {
  columns: {
    Driver: { header: 'DRIVER', value: ({ Driver }) => Driver },
    Labels: {
      header: 'LABELS',
      value: ({ Labels }) =>
        Object.entries(Labels ?? {})
          .map(([k, v]) => `${k}=${v}`)
          .join(','),
    },
    Links: { header: 'LINKS', value: ({ UsageData }) => (UsageData && UsageData.RefCount >= 0 ? String(UsageData.RefCount) : 'N/A') },
    Mountpoint: { header: 'MOUNTPOINT', value: ({ Mountpoint }) => Mountpoint },
    Name: { header: 'VOLUME NAME', value: ({ Name }) => Name },
    Scope: { header: 'SCOPE', value: ({ Scope }) => Scope },
    Size: { header: 'SIZE', value: ({ UsageData }) => (UsageData && UsageData.Size >= 0 ? humanSize(UsageData.Size) : 'N/A') },
  },
  table: ['Driver', 'Name'],
  quietColumn: 'Name',
  methods: { Label: ({ Labels }, name) => Labels?.[name ?? ''] ?? '' },
};

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: {
    filter: { kind: 'list', short: 'f', placeholder: 'filter', help: 'Provide filter values (e.g. "dangling=true")' },
    format: listFormatFlag,
    quiet: { kind: 'bool', short: 'q', help: 'Only display volume names' },
  },
  async run({ flags }) {
    const { Volumes } = await get<{ Volumes: VolumeInspect[] | null }>('/volumes', { filters: filterQuery(flags.filter) });
    const sorted = (Volumes ?? []).toSorted((a, b) => a.Name.localeCompare(b.Name));
    process.stdout.write(await listText(sorted, volumeList, flags));
  },
});
