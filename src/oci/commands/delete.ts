/** `hako-oci delete`: takes away what a container that has stopped still holds; with --force whatever it is. */
import { defineCommand } from '../command.ts';
import type { ContainerRecord } from '../container-record.ts';
import { OciError } from '../error.ts';
import { removeContainer } from '../remove-container.ts';
import type { Settings } from '../settings.ts';
import { checkId, DamagedState, NoContainer, StateStore } from '../state-store.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  count: [1, 1],
  flags: { force: { kind: 'bool', short: 'f', help: 'also if it has not stopped (it is killed), was made by half, or does not exist' } },
  async run({ flags: { force }, args: [id] }, settings) {
    checkId(id!);
    const store = new StateStore(settings.root);
    const record = force ? readOrClear(store, id!, settings.log) : store.read(id!);
    if (!record) return;
    const status = store.status(record);
    if (status !== 'stopped') {
      if (!force) throw new OciError(`cannot delete container ${id} that is not stopped: ${status}`);
      if (status === 'creating') throw new OciError(`cannot delete container ${id}: the process ${record.creator.pid} is creating it`);
      await (await import('../end-container.ts')).endFirstProcess(record, settings.kernel);
    }
    await removeContainer(record, store, settings);
  },
});

/** The record; undefined where there was none that could be read: what had the container's name is then gone, if it was a container's. */
function readOrClear(store: StateStore, id: string, log: Settings['log']): ContainerRecord | undefined {
  try {
    return store.read(id);
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    if (error instanceof NoContainer) store.sweep();
    else if (error instanceof DamagedState) {
      store.clear(id);
      log.warn(`${error.message.replace(/: [^:]*$/, '')}: it was removed; whether processes or cgroups of it are left is not known`);
    } else throw error;
    return undefined;
  }
}
