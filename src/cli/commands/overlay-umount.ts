/** `hako overlay umount`: takes overlays out of this mount namespace. */
import { CommandError, defineCommand } from '../command.ts';
import { explainFlag, take } from '../element.ts';
import { complain } from '../terminal-text.ts';
import { unmount } from '../../element/overlay/mount.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] TARGET [TARGET...]'],
  count: [1, Infinity],
  completes: ['file'],
  flags: {
    explain: explainFlag,
    lazy: { kind: 'bool', short: 'l', help: 'Take it out of the tree at once, though it is used' },
  },
  async run({ flags, args }) {
    let failed = false;
    for (const target of args) {
      try {
        await take(unmount(target, flags.lazy), flags.explain);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        complain(error.message);
        failed = true;
      }
    }
    return failed ? 1 : 0;
  },
});
