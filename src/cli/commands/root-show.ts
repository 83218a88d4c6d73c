/** `hako root show`: the tree of files that a process sees: its root, its directory, and its mounts, with how they travel. */
import { viewRoot, type MountNode, type Propagation, type RootView } from '../../element/root/show.ts';
import { defineCommand } from '../command.ts';
import { namedProcess } from '../containers-known.ts';
import { refusal } from '../element.ts';
import { streamFormatFlag } from '../format-flag.ts';
import { formatObjects } from '../object-output.ts';
import { painter, type Painter } from '../paint.ts';
import { printable } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [PID|CONTAINER|self]'],
  description:
    'Each mount with its type, its options, and its propagation: private mounts stay where they are made; shared:N appear at every\nother mount of the peer group N, which is named; slave:N take what appears in N and give nothing back.',
  count: [0, 1],
  completes: ['running'],
  flags: { format: streamFormatFlag },
  async run({ flags, args: [word = 'self'] }) {
    const pid = await namedProcess(word);
    let view: RootView;
    try {
      view = viewRoot(pid);
    } catch (error) {
      throw refusal(error);
    }
    process.stdout.write(flags.format ? await formatObjects([view], flags.format) : text(view, painter()));
  },
});

function text(view: RootView, paint: Painter): string {
  const changed =
    view.changedRoot === undefined
      ? 'whether it is the root of its mount namespace is not ours to see'
      : view.changedRoot
        ? 'changed by chroot(2): the rest of its mount namespace is still mounted'
        : 'the root of its mount namespace';
  const lines = [
    `process    ${view.pid}, in the mount namespace ${view.namespace}`,
    `root       ${printable(view.root)} as seen from here; ${changed}`,
    `directory  ${printable(view.directory)}`,
    '',
  ];
  const tell = (nodes: readonly MountNode[], prefix: string, isTop: boolean): void => {
    nodes.forEach((node, i) => {
      const last = i === nodes.length - 1;
      const what = printable(
        `${node.type}${node.source && node.source !== node.type ? ` ${node.source}` : ''}${node.subtree === undefined ? '' : `[${node.subtree}]`}`,
      );
      lines.push(
        `${isTop ? '' : `${prefix}${last ? '└─ ' : '├─ '}`}${paint('bold', printable(node.path))}  ${what}  ${paint('dim', printable(node.options.join(',')))}  ${travels(node.propagation, paint)}`,
      );
      tell(node.below, isTop ? '' : `${prefix}${last ? '   ' : '│  '}`, false);
    });
  };
  tell(view.mounts, '', true);
  return `${lines.join('\n')}\n`;
}

function travels({ mode, group, master, peers }: Propagation, paint: Painter): string {
  const numbers = [group === undefined ? '' : `shared:${group}`, master === undefined ? '' : `slave:${master}`].filter(Boolean).join(' ');
  const others = peers.length ? ` with ${printable(peers.slice(0, 3).join(', '))}${peers.length > 3 ? ` and ${peers.length - 3} more` : ''}` : '';
  return paint(mode === 'private' ? 'dim' : 'yellow', `${numbers || mode}${others}`);
}
