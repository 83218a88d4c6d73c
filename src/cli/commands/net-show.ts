/** `hako net show`: namespaces as a tree, with their interfaces, peers, bridges, addresses, routes and address translation. */
import { ElementError } from '../../element/interpret.ts';
import { Snapshot } from '../../element/net/snapshot.ts';
import { treeText } from '../../element/net/tree.ts';
import { viewOf } from '../../element/net/view.ts';
import { defineCommand } from '../command.ts';
import { refusal } from '../element.ts';
import { asksForJson, jsonFormatFlag } from '../format-flag.ts';
import { networkNamespaces } from '../net-namespaces.ts';
import { painter } from '../paint.ts';
import { complain, printablePainted } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [NAMESPACE|CONTAINER|PID...]'],
  description: 'Without arguments: all network namespaces that can be seen.',
  count: [0, Infinity],
  flags: { format: { ...jsonFormatFlag, help: "'json' prints one JSON array" } },
  completes: ['running'],
  async run({ flags, args }) {
    const json = asksForJson(flags.format);
    const { all, find } = await networkNamespaces();
    try {
      const snapshot = new Snapshot(all);
      const wanted = args.length ? args.map(find) : snapshot.scenes.map((s) => s.place.namespace);
      const views = wanted.map((n) => {
        const scene = snapshot.of(n);
        if (!scene) throw new ElementError(snapshot.closed.find((c) => c.namespace === n)?.reason ?? `${n.label} is gone`);
        return viewOf(snapshot, scene);
      });
      process.stdout.write(json ? `${JSON.stringify(views, null, 2)}\n` : printablePainted(treeText(views, painter())));
      if (!args.length) for (const { reason } of snapshot.closed) complain(reason);
      snapshot.close();
    } catch (error) {
      throw refusal(error);
    }
  },
});
