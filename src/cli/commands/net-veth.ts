/** `hako net veth`: makes a pair of interfaces, each end in a namespace of one's choice. */
import { makeVethPair } from '../../element/net/veth.ts';
import { parseAddress, parseEnd, parseInterface } from '../../element/net/words.ts';
import { defineCommand } from '../command.ts';
import { explainFlag } from '../element.ts';
import { networkNamespaces, takeFrom } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [NAMESPACE:]INTERFACE [NAMESPACE:]INTERFACE'],
  description: 'Makes a virtual cable: what goes in at one end comes out at the other. Both ends are switched on.',
  count: [2, 2],
  flags: {
    address: { kind: 'string', help: 'Address of the first end, such as 10.7.0.2/24', placeholder: 'address' },
    bridge: { kind: 'string', help: 'Bridge that the second end is plugged into', placeholder: 'bridge' },
    down: { kind: 'bool', help: 'Leave both ends switched off' },
    explain: explainFlag,
    gateway: { kind: 'string', help: "Default route of the first end's namespace", placeholder: 'address' },
    'peer-address': { kind: 'string', help: 'Address of the second end', placeholder: 'address' },
  },
  async run({ flags, args }) {
    const { find } = await networkNamespaces();
    await takeFrom(() => {
      const [near, far] = args.map(parseEnd).map(({ namespace, name }) => ({ namespace: find(namespace), name })) as [VethPlace, VethPlace];
      return makeVethPair(
        {
          ...near,
          ...(flags.address ? { address: parseAddress(flags.address) } : {}),
          ...(flags.gateway ? { gateway: parseAddress(flags.gateway).address } : {}),
        },
        {
          ...far,
          ...(flags['peer-address'] ? { address: parseAddress(flags['peer-address']) } : {}),
          ...(flags.bridge ? { bridge: parseInterface(flags.bridge) } : {}),
        },
        !flags.down,
      );
    }, flags.explain);
  },
});

type VethPlace = Pick<Parameters<typeof makeVethPair>[0], 'namespace' | 'name'>;
