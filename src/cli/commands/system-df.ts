/** `hako system df`: how much disk the images, containers and volumes take, and how much of it could be given back. */
import type { ContainerSummary, ImageSummary, VolumeInspect } from '../../api/schema.ts';
import { get } from '../client.ts';
import { defineCommand } from '../command.ts';
import { listFormatFlag } from '../format-flag.ts';
import { listText, type ListFormat } from '../list-output.ts';
import { humanSize } from '../units.ts';

interface DiskUsage {
  readonly LayersSize?: number;
  readonly Images: ImageSummary[] | null;
  readonly Containers: ContainerSummary[] | null;
  readonly Volumes: VolumeInspect[] | null;
}

interface Row {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly size: number;
  readonly reclaimable: number;
}

const usageList: ListFormat<Row> = {
  columns: {
    Active: { header: 'ACTIVE', value: ({ active }) => String(active) },
    Reclaimable: {
      header: 'RECLAIMABLE',
      value: ({ size, reclaimable }) => (size > 0 ? `${humanSize(reclaimable, 4)} (${Math.floor((reclaimable * 100) / size)}%)` : humanSize(reclaimable, 4)),
    },
    Size: { header: 'SIZE', value: ({ size }) => humanSize(size, 4) },
    TotalCount: { header: 'TOTAL', value: ({ total }) => String(total) },
    Type: { header: 'TYPE', value: ({ type }) => type },
  },
  table: ['Type', 'TotalCount', 'Active', 'Size', 'Reclaimable'],
  quietColumn: 'Type',
};

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + Math.max(0, b), 0);

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: { format: listFormatFlag },
  async run({ flags }) {
    const usage = await get<DiskUsage>('/system/df');
    const [images, containers, volumes] = [usage.Images ?? [], usage.Containers ?? [], usage.Volumes ?? []];
    const usedImages = new Set(containers.map((c) => c.ImageID));
    const imageSize = usage.LayersSize ?? sum(images.map((i) => i.Size));
    const stopped = containers.filter((c) => c.State !== 'running' && c.State !== 'paused');
    const unusedVolumes = volumes.filter((v) => v.UsageData?.RefCount === 0);
    const rows: Row[] = [
      {
        type: 'Images',
        total: images.length,
        active: images.filter((i) => usedImages.has(i.Id)).length,
        size: imageSize,
        reclaimable: Math.max(0, imageSize - sum(images.filter((i) => usedImages.has(i.Id)).map((i) => i.Size))),
      },
      {
        type: 'Containers',
        total: containers.length,
        active: containers.length - stopped.length,
        size: sum(containers.map((c) => c.SizeRw ?? 0)),
        reclaimable: sum(stopped.map((c) => c.SizeRw ?? 0)),
      },
      {
        type: 'Local Volumes',
        total: volumes.length,
        active: volumes.length - unusedVolumes.length,
        size: sum(volumes.map((v) => v.UsageData?.Size ?? 0)),
        reclaimable: sum(unusedVolumes.map((v) => v.UsageData?.Size ?? 0)),
      },
    ];
    process.stdout.write(await listText(rows, usageList, flags));
  },
});
