/** `hako ns show`: one process's namespaces, and who shares each. */
import { show, type Share } from '../../element/ns/show.ts';
import { alignColumns } from '../columns.ts';
import { CommandError, defineCommand } from '../command.ts';
import { containerProcesses } from '../container-processes.ts';
import { namedProcess } from '../containers-known.ts';
import { refusal } from '../element.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { fitted, hiddenText, keeperText, listText, membersText } from '../namespace-text.ts';
import { formatObjects } from '../object-output.ts';
import { print } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] PID|CONTAINER|self'],
  description: '* marks the namespaces that this command itself is in.',
  count: [1, 1],
  completes: ['running'],
  flags: { format: objectFormatFlag },
  async run({ flags, args: [word = ''] }) {
    const pid = await namedProcess(word);
    const containers = await containerProcesses();
    let shown;
    try {
      shown = show(pid, containers);
    } catch (error) {
      throw refusal(error);
    }
    if (flags.format) process.stdout.write(await formatObjects([shown], flags.format));
    else {
      const { command: name, pids, uid, container, namespaces } = shown;
      const inside = pids.length > 1 ? `, in its own PID namespace ${pids.slice(1).join(', ')}` : '';
      print(`${name} (${pid}${inside}), user ${uid}${container === undefined ? '' : `, container ${container}`}\n`);
      const rows = namespaces.map((share) => [
        share.type,
        `${share.inode}${share.own ? '*' : ''}`,
        share.owner === undefined ? '-' : String(share.owner),
        sharers(share),
      ]);
      if (rows.length) process.stdout.write(fitted(alignColumns([['TYPE', 'NAMESPACE', 'OWNER', 'SHARED WITH'], ...rows], { least: 6 }), process.stdout));
      if (rows.length) process.stderr.write(hiddenText(shown.hidden));
    }
    if (shown.refused) throw new CommandError(shown.refused);
  },
});

function sharers({ sharedBy, containers, keepers }: Share): string {
  const words = [
    ...(containers.length ? [`container${containers.length > 1 ? 's' : ''} ${listText(containers)}`] : []),
    ...(sharedBy.length ? [`${sharedBy.length}: ${membersText(sharedBy)}`] : []),
    ...(keepers.length ? [`kept by ${listText([...new Set(keepers.map(keeperText))])}`] : []),
  ];
  return words.join('; ') || 'nobody';
}
