/** The columns of `hako ps`: what can be shown of a container in a list, under Docker's names. */
import type { ContainerPort, ContainerSummary } from '../api/schema.ts';
import type { ListFormat } from './list-output.ts';
import { ago, ellipsis, humanSize, localTime, shortId } from './units.ts';

/** @param truncate false for `--no-trunc`, @param size adds the column SIZE */
export function containerList(truncate: boolean, size: boolean): ListFormat<ContainerSummary> {
  return {
    columns: {
      Command: { header: 'COMMAND', value: ({ Command }) => JSON.stringify(truncate ? ellipsis(Command, 20) : Command) },
      CreatedAt: { header: 'CREATED AT', value: ({ Created }) => localTime(Created) },
      ID: { header: 'CONTAINER ID', value: ({ Id }) => (truncate ? shortId(Id) : Id) },
      Image: { header: 'IMAGE', value: ({ Image }) => (Image.startsWith('sha256:') && truncate ? shortId(Image) : Image || '<no image>') },
      Labels: {
        header: 'LABELS',
        value: ({ Labels }) =>
          Object.entries(Labels ?? {})
            .map(([k, v]) => `${k}=${v}`)
            .join(','),
      },
      LocalVolumes: { header: 'LOCAL VOLUMES', value: ({ Mounts }) => String((Mounts ?? []).filter((m) => m.Driver === 'local').length) },
      Mounts: {
        header: 'MOUNTS',
        value: ({ Mounts }) =>
          (Mounts ?? [])
            .map((m) => m.Name || m.Source)
            .map((name) => (truncate ? ellipsis(name, 15) : name))
            .join(','),
      },
      Names: {
        header: 'NAMES',
        value: ({ Names }) =>
          Names.map((name) => name.replace(/^\//, ''))
            .filter((name) => !truncate || !name.includes('/'))
            .join(','),
      },
      Networks: { header: 'NETWORKS', value: ({ NetworkSettings }) => Object.keys(NetworkSettings?.Networks ?? {}).join(',') },
      Ports: { header: 'PORTS', value: ({ Ports }) => portsText(Ports ?? []) },
      RunningFor: { header: 'CREATED', value: ({ Created }) => ago(Created) },
      Size: {
        header: 'SIZE',
        value: ({ SizeRw = 0, SizeRootFs = 0 }) => (SizeRootFs > 0 ? `${humanSize(SizeRw)} (virtual ${humanSize(SizeRootFs)})` : humanSize(SizeRw)),
      },
      State: { header: 'STATE', value: ({ State }) => State },
      Status: { header: 'STATUS', value: ({ Status }) => Status },
    },
    table: ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names', ...(size ? ['Size'] : [])],
    quietColumn: 'ID',
    methods: { Label: ({ Labels }, name) => Labels?.[name ?? ''] ?? '' },
  };
}

/** `0.0.0.0:8080->80/tcp, 443/tcp`; ports that follow each other, on both sides, are shown as one range. */
export function portsText(ports: readonly ContainerPort[]): string {
  interface Range {
    readonly ip: string;
    readonly type: string;
    readonly shift: number | undefined;
    readonly first: number;
    last: number;
  }
  const ranges: Range[] = [];
  const sorted = ports.toSorted((a, b) => a.PrivatePort - b.PrivatePort || compareText(a.IP ?? '', b.IP ?? '') || (a.PublicPort ?? 0) - (b.PublicPort ?? 0));
  for (const { IP = '', PrivatePort, PublicPort, Type } of sorted) {
    const shift = PublicPort ? PublicPort - PrivatePort : undefined;
    const before = ranges.findLast((r) => r.ip === IP && r.type === Type && r.shift === shift);
    if (before?.last === PrivatePort) continue;
    if (before && before.last + 1 === PrivatePort) before.last = PrivatePort;
    else ranges.push({ ip: IP, type: Type, shift, first: PrivatePort, last: PrivatePort });
  }
  const span = (first: number, last: number): string => (first === last ? String(first) : `${first}-${last}`);
  return ranges
    .map(({ ip, type, shift, first, last }) => {
      const inside = `${span(first, last)}/${type}`;
      if (shift === undefined) return inside;
      return `${ip.includes(':') ? `[${ip}]` : ip}:${span(first + shift, last + shift)}->${inside}`;
    })
    .join(', ');
}

/** By code points: 0.0.0.0 comes before ::, which no language's order promises. */
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
