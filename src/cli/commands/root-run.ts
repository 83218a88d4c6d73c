/** `hako root run`: runs a command under another root, by chroot or by pivot_root. */
import { runInRoot } from '../../element/root/run.ts';
import { defineCommand, UsageError } from '../command.ts';
import { explainFlag, take } from '../element.ts';
import { ownEnvironment } from '../own-environment.ts';
import { rootHelp, withRoot } from '../root-target.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] ROOT [COMMAND] [ARG...]'],
  description: `chroot changes where one process begins to look up /; pivot_root changes the root of a mount namespace, and lets the old\none go. ${rootHelp}\n\nWithout a command: sh. Exits with the code of the command.`,
  count: [1, Infinity],
  ownsRest: true,
  completes: ['image'],
  flags: {
    chroot: { kind: 'bool', help: 'Take the root by chroot(2)' },
    pivot: { kind: 'bool', help: 'Take the root by pivot_root(2), in a mount namespace (the default)' },
    proc: { kind: 'bool', help: 'Mount a procfs at /proc in it' },
    explain: explainFlag,
  },
  async run({ flags, args: [name = '', ...words] }) {
    if (flags.chroot && flags.pivot) throw new UsageError('conflicting options: cannot specify both --chroot and --pivot');
    const command = words[0] === '--' ? words.slice(1) : words;
    const way = flags.chroot ? 'chroot' : 'pivot';
    return withRoot(name, flags.explain === undefined, async (root) => {
      const plan = { way, root, proc: flags.proc, args: command.length ? command : ['sh'], env: ownEnvironment() } as const;
      return (await take(runInRoot(plan), flags.explain)) ?? 0;
    });
  },
});
