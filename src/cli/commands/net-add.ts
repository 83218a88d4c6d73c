/** `hako net add`: makes named network namespaces, as `ip netns add` does. */
import { defineCommand } from '../command.ts';
import { explainFlag, take } from '../element.ts';
import { networkNamespaces } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] NAME [NAME...]'],
  description: 'Each is kept alive by a mount on /run/netns/NAME, where ip netns sees it, too. Its loopback interface is up.',
  count: [1, Infinity],
  flags: { explain: explainFlag },
  async run({ flags, args }) {
    const { addNamed } = await import('../../element/net/named.ts');
    for (const name of args) await take(addNamed(name, (await networkNamespaces()).all), flags.explain);
  },
});
