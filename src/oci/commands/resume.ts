/** `hako-oci resume`: lets the processes of a paused container go on. */
import { thaw } from '../../runtime/cgroup/freeze.ts';
import { applyToFiles, placeOf } from '../cgroup-place.ts';
import { defineCommand } from '../command.ts';
import { OciError } from '../error.ts';
import { StateStore } from '../state-store.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  count: [1, 1],
  flags: {},
  async run({ args: [id] }, { root }) {
    const store = new StateStore(root);
    const record = store.read(id!);
    const status = store.status(record);
    if (status !== 'paused') throw new OciError(`container not paused: ${id} is ${status}`);
    await applyToFiles(thaw(placeOf(record.cgroup)));
  },
});
