/** `hako net ls`: one kind of thing, in every network namespace or in one. */
import { listOf, kinds, type Kind } from '../../element/net/list.ts';
import { Snapshot } from '../../element/net/snapshot.ts';
import { defineCommand, UsageError } from '../command.ts';
import { refusal } from '../element.ts';
import { listFormatFlag } from '../format-flag.ts';
import { listText } from '../list-output.ts';
import { namespaceFlag, networkNamespaces } from '../net-namespaces.ts';
import { complain } from '../terminal-text.ts';

export const command = defineCommand({
  usage: [`[OPTIONS] [${kinds.join('|')}]`],
  count: [0, 1],
  flags: {
    format: listFormatFlag,
    ns: { ...namespaceFlag, help: 'Only of this network namespace' },
    quiet: { kind: 'bool', short: 'q', help: 'Only display names' },
  },
  completes: [kinds],
  async run({ flags, args: [kind = 'namespaces'] }) {
    if (!kinds.includes(kind as Kind)) throw new UsageError(`invalid argument "${kind}": it must be one of ${kinds.join(', ')}`);
    const { all, find } = await networkNamespaces();
    try {
      const one = flags.ns === undefined ? undefined : find(flags.ns);
      const snapshot = new Snapshot(all);
      const { columns, rows } = listOf(kind as Kind, snapshot, one);
      const format = {
        columns: Object.fromEntries(
          columns.map((name) => [name, { header: name.toUpperCase(), value: (row: Readonly<Record<string, string>>) => row[name]! }]),
        ),
        table: columns,
        quietColumn: columns[0]!,
      };
      process.stdout.write(await listText(rows, format, { format: flags.format, quiet: flags.quiet }));
      if (!one) for (const { reason } of snapshot.closed) complain(reason);
      snapshot.close();
    } catch (error) {
      throw refusal(error);
    }
  },
});
