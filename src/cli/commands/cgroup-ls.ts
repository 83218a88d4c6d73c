/** `hako cgroup ls`: the cgroups of this machine, in whichever hierarchy. */
import { existing } from '../../element/cgroup/name.ts';
import { list, type Listed } from '../../element/cgroup/show.ts';
import { cgroups } from '../cgroup-output.ts';
import { defineCommand } from '../command.ts';
import { containerNames } from '../containers-known.ts';
import { refusal } from '../element.ts';
import { listFormatFlag } from '../format-flag.ts';
import { listText, type ListFormat } from '../list-output.ts';

type Row = Listed & { readonly container: string };

const format: ListFormat<Row> = {
  columns: {
    Path: { header: 'PATH', value: ({ path }) => path },
    Processes: { header: 'PROCESSES', value: ({ processes }) => String(processes) },
    Container: { header: 'CONTAINER', value: ({ container }) => container },
    Hierarchies: { header: 'HIERARCHIES', value: ({ hierarchies }) => hierarchies.join(' ') },
  },
  table: ['Path', 'Processes', 'Container', 'Hierarchies'],
  quietColumn: 'Path',
};

export const command = defineCommand({
  usage: ['[OPTIONS] [NAME]'],
  description: 'With a name: the cgroups below it. PROCESSES counts those in the cgroup itself.',
  count: [0, 1],
  flags: { format: listFormatFlag, quiet: { kind: 'bool', short: 'q', help: 'Only display paths' } },
  async run({ flags, args: [name] }) {
    const names = await containerNames();
    const layout = cgroups();
    let found: Listed[];
    try {
      found = list(layout, name === undefined ? '' : existing(layout, name).path);
    } catch (error) {
      throw refusal(error);
    }
    const rows = found.map((each) => ({ ...each, container: names.get(each.path.slice(each.path.lastIndexOf('/') + 1)) ?? '' }));
    process.stdout.write(await listText(rows, format, flags));
  },
});
