/** `hako-oci run`: create and start in one, and unless it is detached, wait for the end and delete. */
import { closeSync } from 'node:fs';
import { defineCommand } from '../command.ts';
import { createContainer } from '../create-container.ts';
import { createFlags, requestOf } from '../create-flags.ts';
import { endFirstProcess } from '../end-container.ts';
import { CaughtSignals, waitInForeground } from '../foreground.ts';
import { removeContainer } from '../remove-container.ts';
import { asOciError } from '../start-failure.ts';
import { claimStart } from '../start-gate.ts';
import { startWithHooks } from '../start-hooks.ts';
import { StateStore } from '../state-store.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  count: [1, 1],
  flags: {
    ...createFlags,
    detach: { kind: 'bool', short: 'd', help: 'do not wait for its end' },
    keep: { kind: 'bool', help: 'do not delete the container when it has ended' },
  },
  async run({ flags, args: [id] }, settings) {
    const request = requestOf(id!, flags);
    const store = new StateStore(settings.root);
    let master: number | undefined;
    using signals = flags.detach ? undefined : new CaughtSignals();
    const attached = !flags.detach && request.consoleSocket === undefined;
    const { record, child } = await createContainer({ ...request, gated: true, ...(attached ? { takeTerminal: (fd) => void (master = fd) } : {}) }, settings);
    try {
      const claimed = claimStart(store.directory(record.id), record.id);
      if (record.hooks) await startWithHooks(record, claimed, store, settings);
      else claimed.release();
      await child.begun();
      settings.log.flush();
      if (!signals) {
        if (master !== undefined) closeSync(master);
        return 0;
      }
      const status = await waitInForeground(record.process!, master, signals);
      if (!flags.keep) await removeContainer(record, store, settings);
      return status;
    } catch (error) {
      await endFirstProcess(record, settings.kernel);
      await removeContainer(record, store, settings);
      throw asOciError(error);
    }
  },
});
