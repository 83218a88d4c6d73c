/** `hako net publish`: what arrives at a port of the namespace goes to another address (DNAT), or no longer does. */
import { publish, unpublish } from '../../element/net/nat.ts';
import { at } from '../../element/net/site.ts';
import { parsePublished } from '../../element/net/words.ts';
import { defineCommand } from '../command.ts';
import { explainFlag } from '../element.ts';
import { namespaceFlag, networkNamespaces, takeFrom } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [ADDRESS:]PORT[/tcp|/udp] ADDRESS:PORT'],
  description:
    'What arrives at the first port goes to the second. The rule is in the nftables table ip hako_net, which goes with its last rule. The port is not reserved, and 127.0.0.1 is not one of the addresses.',
  count: [2, 2],
  flags: { explain: explainFlag, ns: namespaceFlag, rm: { kind: 'bool', help: 'Stop doing so' } },
  async run({ flags, args }) {
    const { find } = await networkNamespaces();
    await takeFrom(() => {
      const published = parsePublished(args[0]!, args[1]!);
      return at(find(flags.ns), (site) => (flags.rm ? unpublish : publish)(site, published));
    }, flags.explain);
  },
});
