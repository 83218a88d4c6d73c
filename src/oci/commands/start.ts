/** `hako-oci start`: lets the program of a created container begin. */
import { defineCommand } from '../command.ts';
import { OciError } from '../error.ts';
import { claimStart } from '../start-gate.ts';
import { StateStore } from '../state-store.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  count: [1, 1],
  flags: {},
  async run({ args: [id] }, settings) {
    const store = new StateStore(settings.root);
    const record = store.read(id!);
    const status = store.status(record);
    if (status !== 'created')
      throw new OciError(
        status === 'stopped'
          ? `cannot start a container that has stopped: ${id}`
          : status === 'creating'
            ? `cannot start a container that is being created: ${id}`
            : `cannot start an already running container: ${id} is ${status}`,
      );
    const claimed = claimStart(store.directory(record.id), record.id);
    if (!record.hooks) return claimed.release();
    // What runs programs is loaded only where there are some.
    const { startWithHooks } = await import('../start-hooks.ts');
    await startWithHooks(record, claimed, store, settings);
  },
});
