/** `hako ps`: the list of containers. */
import type { ContainerSummary } from '../../api/schema.ts';
import { filterQuery, get } from '../client.ts';
import { defineCommand } from '../command.ts';
import { containerList } from '../container-columns.ts';
import { listFormatFlag } from '../format-flag.ts';
import { listText } from '../list-output.ts';

export const command = defineCommand({
  usage: ['[OPTIONS]'],
  count: [0, 0],
  flags: {
    all: { kind: 'bool', short: 'a', help: 'Show all containers (default shows just running)' },
    filter: { kind: 'list', short: 'f', placeholder: 'filter', help: 'Filter output based on conditions provided' },
    format: listFormatFlag,
    last: { kind: 'int', short: 'n', help: 'Show n last created containers (includes all states)', default: '-1' },
    latest: { kind: 'bool', short: 'l', help: 'Show the latest created container (includes all states)' },
    'no-trunc': { kind: 'bool', help: "Don't truncate output" },
    quiet: { kind: 'bool', short: 'q', help: 'Only display container IDs' },
    size: { kind: 'bool', short: 's', help: 'Display total file sizes' },
  },
  async run({ flags }) {
    const limit = flags.latest ? 1 : (flags.last ?? -1);
    const wantsSize = flags.size || /\.Size\b|\bjson \.[\s}]/.test(flags.format ?? '');
    const query = { all: flags.all || limit > 0, size: wantsSize, filters: filterQuery(flags.filter), limit: limit > 0 ? limit : undefined };
    const containers = await get<ContainerSummary[]>('/containers/json', query);
    process.stdout.write(await listText(containers, containerList(!flags['no-trunc'], flags.size), flags));
  },
});
