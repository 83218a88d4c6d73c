/** `hako cap file set`: gives files capabilities. */
import { setFile } from '../../element/cap/file.ts';
import { parseFileText } from '../../element/cap/text.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag, refusal, take } from '../element.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CAPS PATH [PATH...]'],
  description:
    'CAPS is in the text form of setcap(8): cap_net_raw=ep, or several clauses in one word,\nsuch as "cap_net_raw=p cap_chown=i". What the file had before is replaced.',
  count: [2, Infinity],
  completes: [[], 'file'],
  flags: {
    explain: explainFlag,
    rootid: { kind: 'int', help: 'For the user namespaces whose root is this user (revision 3 of the attribute)' },
  },
  async run({ flags, args: [text = '', ...paths] }) {
    const { rootid } = flags;
    if (rootid !== undefined && (rootid < 0 || rootid > 0xfffffffe)) throw new UsageError(`--rootid ${rootid} is not a user id`);
    try {
      const wanted = parseFileText(text);
      for (const path of paths) await take(setFile(path, wanted, rootid), flags.explain);
    } catch (error) {
      throw refusal(error);
    }
  },
});
