/** `hako net probe`: sends one marked packet, watches where it gets to, and says at which hop it stopped and why. */
import { parseFlow } from '../../element/net/flow.ts';
import { findingText } from '../../element/net/finding-text.ts';
import { probe, probeProcedure } from '../../element/net/probe-run.ts';
import { Snapshot } from '../../element/net/snapshot.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag, refusal } from '../element.ts';
import { asksForJson, jsonFormatFlag } from '../format-flag.ts';
import { networkNamespaces, takeFrom } from '../net-namespaces.ts';
import { painter } from '../paint.ts';
import { printablePainted } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] FROM TO[:PORT][/udp]'],
  description:
    'Sends a TCP SYN, a UDP datagram or an ICMP echo from FROM (a namespace, a container, a PID, or an address of one) with a mark that no translation touches, watches every interface on the way and what packet filters decide, and takes everything away again. Exits with 0 where it was answered or arrived, else 1.',
  count: [2, 2],
  flags: {
    explain: explainFlag,
    format: jsonFormatFlag,
    timeout: { kind: 'int', help: 'Milliseconds to wait for an answer (default 1000)' },
  },
  completes: ['running', 'running'],
  async run({ flags, args: [from, to] }) {
    const timeout = flags.timeout ?? 1000;
    if (timeout < 1 || timeout > 60_000) throw new UsageError(`invalid argument "${timeout}" for "--timeout" flag: it must be from 1 to 60000 milliseconds`);
    const json = asksForJson(flags.format);
    const { all, containers } = await networkNamespaces();
    try {
      const snapshot = new Snapshot(all);
      const plan = probe(snapshot, parseFlow(from!, to!, snapshot, all, containers), timeout);
      if (flags.explain !== undefined) {
        await takeFrom(() => probeProcedure(plan), flags.explain);
        return 0;
      }
      const finding = await takeFrom(() => probeProcedure(plan), undefined);
      snapshot.close();
      process.stdout.write(json ? `${JSON.stringify(finding, null, 2)}\n` : printablePainted(findingText(finding!, painter())));
      return finding!.outcome === 'answered' || finding!.outcome === 'arrived' || finding!.outcome === 'left' ? 0 : 1;
    } catch (error) {
      throw refusal(error);
    }
  },
});
