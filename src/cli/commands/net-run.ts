/** `hako net run`: runs a command in a network namespace, with everything else as it is here. */
import { runInNamespace } from '../../element/net/run.ts';
import { ownEnvironment } from '../own-environment.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag } from '../element.ts';
import { networkNamespaces, takeFrom } from '../net-namespaces.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] NAMESPACE COMMAND [ARG...]'],
  description: 'Files, users and processes stay as they are here. Exits with the code of the command.',
  count: [2, Infinity],
  ownsRest: true,
  flags: { explain: explainFlag },
  async run({ flags, args: [spec, ...words] }) {
    const args = words[0] === '--' ? words.slice(1) : words;
    if (args.length === 0) throw new UsageError('no command given: hako net run NAMESPACE -- COMMAND');
    const { find } = await networkNamespaces();
    return takeFrom(() => runInNamespace(find(spec), args, ownEnvironment()), flags.explain);
  },
});
