/** `hako overlay mount`: layers stacked at a directory, in this mount namespace, or for one command in its own. */
import { defineCommand } from '../command.ts';
import { explainFlag, refusal, take } from '../element.ts';
import { ownEnvironment } from '../own-environment.ts';
import { mountFor, mountHere, planMount } from '../../element/overlay/mount.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] --lower DIR [--lower DIR...] [--upper DIR --work DIR] TARGET [-- COMMAND [ARG...]]'],
  description: [
    'Stack directories as an overlay at TARGET. Without --upper nothing can be written',
    'to it. With a COMMAND the mount is made in a mount namespace of the command’s own',
    'and goes with it; who is not root gets a user namespace besides, in which overlay',
    'keeps its marks in user.overlay.* (userxattr).',
  ].join('\n'),
  count: [1, Infinity],
  completes: ['file'],
  flags: {
    explain: explainFlag,
    lower: { kind: 'list', short: 'l', placeholder: 'dir', help: 'A read-only layer; the first is the top one', completes: 'file' },
    option: { kind: 'list', short: 'o', placeholder: 'option', help: 'A further option of overlayfs, such as volatile or redirect_dir=on' },
    'read-only': { kind: 'bool', help: 'Mount it read-only, though it has a writable layer' },
    upper: { kind: 'string', short: 'u', placeholder: 'dir', help: 'The writable layer', completes: 'file' },
    userns: { kind: 'bool', help: 'Mount in a user namespace, as without privilege' },
    work: { kind: 'string', short: 'w', placeholder: 'dir', help: 'An empty directory beside the writable layer, for the kernel', completes: 'file' },
  },
  async run({ flags, args: [target = '', ...args] }) {
    try {
      const plan = planMount({
        lower: flags.lower,
        upper: flags.upper,
        work: flags.work,
        target,
        readOnly: flags['read-only'],
        options: flags.option,
        userNamespace: flags.userns,
      });
      if (args.length === 0) return await take(mountHere(plan), flags.explain);
      return await take(mountFor(plan, args, ownEnvironment()), flags.explain);
    } catch (error) {
      throw refusal(error);
    }
  },
});
