/** `hako net path`: which way a packet would take, hop by hop, and where it would stop. Nothing is sent. */
import { parseFlow } from '../../element/net/flow.ts';
import { Snapshot } from '../../element/net/snapshot.ts';
import { wayOf } from '../../element/net/way.ts';
import { wayText } from '../../element/net/way-text.ts';
import { defineCommand } from '../command.ts';
import { refusal } from '../element.ts';
import { asksForJson, jsonFormatFlag } from '../format-flag.ts';
import { networkNamespaces } from '../net-namespaces.ts';
import { painter } from '../paint.ts';
import { printablePainted } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] FROM TO[:PORT][/udp]'],
  description:
    'FROM is a namespace, a container, a PID, or an IPv4 address (of anybody, or outside). TO is an IPv4 address, a namespace or a container. With a port TCP is meant, without one ICMP. Exits with 1 where the packet would stop.',
  count: [2, 2],
  flags: { format: jsonFormatFlag },
  completes: ['running', 'running'],
  async run({ flags, args: [from, to] }) {
    const json = asksForJson(flags.format);
    const { all, containers } = await networkNamespaces();
    try {
      const snapshot = new Snapshot(all);
      const way = wayOf(snapshot, parseFlow(from!, to!, snapshot, all, containers));
      snapshot.close();
      process.stdout.write(json ? `${JSON.stringify(way, null, 2)}\n` : printablePainted(wayText(way, painter())));
      return way.outcome === 'stopped' ? 1 : 0;
    } catch (error) {
      throw refusal(error);
    }
  },
});
