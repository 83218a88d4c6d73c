/** `hako cap run`: a command with capability sets that are chosen. */
import { run } from '../../element/cap/run.ts';
import { capFlags, chosenBy } from '../cap-flags.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag, take } from '../element.ts';
import { ownEnvironment } from '../own-environment.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] [--] COMMAND [ARG...]'],
  description:
    "Sets that are not named are what is left of yours. What the program then has is decided by\nexecve: see it beforehand with hako cap predict. CAPS is a list such as net_raw,chown, or\n'all', or 'none'.",
  count: [1, Infinity],
  ownsRest: true,
  flags: {
    explain: explainFlag,
    ...capFlags,
    seccomp: {
      kind: 'string',
      placeholder: 'profile',
      help: 'Filter its system calls: a profile in JSON, or builtin; needs --no-new-privs or CAP_SYS_ADMIN',
      completes: 'file',
    },
  },
  async run({ flags, args, given }) {
    if (args.length === 0) throw new UsageError('no command given: hako cap run --drop all -- COMMAND');
    return await take(run(chosenBy(flags, given), args, ownEnvironment(), given.has('seccomp') ? flags.seccomp : undefined), flags.explain);
  },
});
