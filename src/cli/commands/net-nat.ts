/** `hako net nat`: hides a subnet behind the addresses of the namespace (masquerade), or stops doing so. */
import { addMasquerade, removeMasquerade } from '../../element/net/nat.ts';
import { at } from '../../element/net/site.ts';
import { parseInterface, parseSubnet } from '../../element/net/words.ts';
import { defineCommand } from '../command.ts';
import { explainFlag } from '../element.ts';
import { namespaceFlag, networkNamespaces, takeFrom } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] SUBNET'],
  description:
    'Packets from the subnet leave under the address of the interface that they leave by, and are forwarded. The rule is in the nftables table ip hako_net, which goes with its last rule.',
  count: [1, 1],
  flags: {
    explain: explainFlag,
    ns: namespaceFlag,
    out: { kind: 'string', help: 'Only packets that leave by this interface\n(default: all that leave the subnet)', placeholder: 'interface' },
    rm: { kind: 'bool', help: 'Stop doing so' },
  },
  async run({ flags, args }) {
    const { find } = await networkNamespaces();
    await takeFrom(() => {
      const masquerade = { subnet: parseSubnet(args[0]!), interface: flags.out === undefined ? undefined : parseInterface(flags.out) };
      return at(find(flags.ns), (site) => (flags.rm ? removeMasquerade : addMasquerade)(site, masquerade));
    }, flags.explain);
  },
});
