/** `hako images`: the list of images, one line for each of their names. */
import type { ImageSummary } from '../../api/schema.ts';
import { filterQuery, get } from '../client.ts';
import { defineCommand } from '../command.ts';
import { listFormatFlag } from '../format-flag.ts';
import { splitReference } from '../image-name.ts';
import { listText, type ListFormat } from '../list-output.ts';
import { ago, humanSize, localTime, shortId } from '../units.ts';

/** An image under one of its names. */
interface Row extends ImageSummary {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

export const command = defineCommand({
  usage: ['[OPTIONS] [REPOSITORY[:TAG]]'],
  count: [0, 1],
  completes: ['image'],
  flags: {
    all: { kind: 'bool', short: 'a', help: 'Show all images (default hides intermediate images)' },
    digests: { kind: 'bool', help: 'Show digests' },
    filter: { kind: 'list', short: 'f', placeholder: 'filter', help: 'Filter output based on conditions provided' },
    format: listFormatFlag,
    'no-trunc': { kind: 'bool', help: "Don't truncate output" },
    quiet: { kind: 'bool', short: 'q', help: 'Only display image IDs' },
  },
  async run({ flags, args: [reference] }) {
    const filters = filterQuery(reference ? [...flags.filter, `reference=${reference}`] : flags.filter);
    const images = await get<ImageSummary[]>('/images/json', { all: flags.all, filters });
    const rows = images.toSorted((a, b) => b.Created - a.Created).flatMap(rowsOf);
    process.stdout.write(await listText(rows, imageList(!flags['no-trunc'], flags.digests), flags));
  },
});

function rowsOf(image: ImageSummary): Row[] {
  const names = image.RepoTags?.length ? image.RepoTags : ['<none>:<none>'];
  return names.map((name) => {
    const { repository, tag } = splitReference(name);
    const digest = image.RepoDigests?.find((d) => d.startsWith(`${repository}@`))?.slice(repository.length + 1) ?? '<none>';
    return { ...image, repository, tag, digest };
  });
}

function imageList(truncate: boolean, digests: boolean): ListFormat<Row> {
  const count = (n: number): string => (n < 0 ? 'N/A' : String(n));
  const size = (n: number): string => (n < 0 ? 'N/A' : humanSize(n));
  return {
    columns: {
      Containers: { header: 'CONTAINERS', value: ({ Containers }) => count(Containers) },
      CreatedAt: { header: 'CREATED AT', value: ({ Created }) => localTime(Created) },
      CreatedSince: { header: 'CREATED', value: ({ Created }) => (Created > 0 ? ago(Created) : 'N/A') },
      Digest: { header: 'DIGEST', value: ({ digest }) => digest },
      ID: { header: 'IMAGE ID', value: ({ Id }) => (truncate ? shortId(Id) : Id) },
      Repository: { header: 'REPOSITORY', value: ({ repository }) => repository },
      SharedSize: { header: 'SHARED SIZE', value: ({ SharedSize }) => size(SharedSize) },
      Size: { header: 'SIZE', value: ({ Size }) => humanSize(Size) },
      Tag: { header: 'TAG', value: ({ tag }) => tag },
      UniqueSize: { header: 'UNIQUE SIZE', value: ({ Size, SharedSize }) => (SharedSize < 0 ? 'N/A' : humanSize(Size - SharedSize, 4)) },
      VirtualSize: { header: 'SIZE', value: ({ Size }) => humanSize(Size, 4) },
    },
    table: ['Repository', 'Tag', ...(digests ? ['Digest'] : []), 'ID', 'CreatedSince', 'Size'],
    quietColumn: 'ID',
  };
}
