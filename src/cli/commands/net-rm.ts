/** `hako net rm`: takes names of network namespaces away; a namespace goes with the last process in it. */
import { defineCommand } from '../command.ts';
import { explainFlag, take } from '../element.ts';
import { networkNamespaces } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] NAME [NAME...]'],
  description: 'The namespace itself, with its interfaces, goes when no process is in it any more.',
  count: [1, Infinity],
  flags: { explain: explainFlag },
  async run({ flags, args }) {
    const { removeNamed } = await import('../../element/net/named.ts');
    for (const name of args) await take(removeNamed(name, (await networkNamespaces()).all), flags.explain);
  },
});
