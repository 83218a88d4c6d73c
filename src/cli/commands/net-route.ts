/** `hako net route`: adds an IPv4 route, or takes it away. */
import { changeRoute } from '../../element/net/links.ts';
import { at } from '../../element/net/site.ts';
import { parseAddress, parseInterface } from '../../element/net/words.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag } from '../element.ts';
import { namespaceFlag, networkNamespaces, takeFrom } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] default|ADDRESS/PREFIX'],
  count: [1, 1],
  flags: {
    dev: { kind: 'string', help: 'Interface that it leaves by', placeholder: 'interface' },
    explain: explainFlag,
    ns: namespaceFlag,
    rm: { kind: 'bool', help: 'Take the route away' },
    via: { kind: 'string', help: 'Gateway that it leads to', placeholder: 'address' },
  },
  async run({ flags, args }) {
    if (!flags.rm && flags.via === undefined && flags.dev === undefined) throw new UsageError('a route leads somewhere: give --via, --dev or both');
    const { find } = await networkNamespaces();
    await takeFrom(() => {
      const words = {
        destination: args[0]!,
        gateway: flags.via === undefined ? undefined : parseAddress(flags.via).address,
        interface: flags.dev === undefined ? undefined : parseInterface(flags.dev),
      };
      return at(find(flags.ns), (site) => changeRoute(site, words, flags.rm ? 'delete' : 'add'));
    }, flags.explain);
  },
});
