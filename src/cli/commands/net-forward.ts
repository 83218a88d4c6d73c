/** `hako net forward`: whether a namespace passes packets on, as a router does. */
import { at, setForwarding } from '../../element/net/site.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag } from '../element.ts';
import { namespaceFlag, networkNamespaces, takeFrom } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] on|off'],
  count: [1, 1],
  flags: { explain: explainFlag, ns: namespaceFlag },
  completes: [['on', 'off']],
  async run({ flags, args }) {
    const word = args[0]!;
    if (word !== 'on' && word !== 'off') throw new UsageError(`invalid argument "${word}": it must be on or off`);
    const { find } = await networkNamespaces();
    await takeFrom(() => at(find(flags.ns), (site) => setForwarding(site, word === 'on')), flags.explain);
  },
});
