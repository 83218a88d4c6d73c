/** `hako net bridge`: makes a bridge, a switch in software, with its address and ports. */
import { makeBridge } from '../../element/net/links.ts';
import { at } from '../../element/net/site.ts';
import { parseAddress, parseInterface } from '../../element/net/words.ts';
import { defineCommand } from '../command.ts';
import { explainFlag } from '../element.ts';
import { namespaceFlag, networkNamespaces, takeFrom } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] NAME'],
  description: 'Makes a bridge, a switch in software, and switches it on. "hako net link NAME --rm" deletes it.',
  count: [1, 1],
  flags: {
    address: { kind: 'list', help: 'An address of its own, such as 10.7.0.1/24: the\ngateway of those behind it', placeholder: 'address' },
    explain: explainFlag,
    ns: namespaceFlag,
    port: { kind: 'list', help: 'An interface to plug into it', placeholder: 'interface' },
  },
  async run({ flags, args }) {
    const { find } = await networkNamespaces();
    await takeFrom(() => {
      const name = parseInterface(args[0]!);
      const options = { addresses: flags.address.map(parseAddress), ports: flags.port.map(parseInterface) };
      return at(find(flags.ns), (site) => makeBridge(site, name, options));
    }, flags.explain);
  },
});
