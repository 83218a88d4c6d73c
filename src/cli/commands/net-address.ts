/** `hako net address`: gives an interface an IPv4 address, or takes it away. */
import { giveAddress, takeAddress } from '../../element/net/links.ts';
import { at } from '../../element/net/site.ts';
import { parseAddress, parseInterface } from '../../element/net/words.ts';
import { defineCommand } from '../command.ts';
import { explainFlag } from '../element.ts';
import { namespaceFlag, networkNamespaces, takeFrom } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] INTERFACE ADDRESS/PREFIX'],
  count: [2, 2],
  flags: { explain: explainFlag, ns: namespaceFlag, rm: { kind: 'bool', help: 'Take the address away' } },
  async run({ flags, args }) {
    const { find } = await networkNamespaces();
    await takeFrom(() => {
      const [name, address] = [parseInterface(args[0]!), parseAddress(args[1]!)];
      return at(find(flags.ns), (site) => (flags.rm ? takeAddress : giveAddress)(site, name, address));
    }, flags.explain);
  },
});
