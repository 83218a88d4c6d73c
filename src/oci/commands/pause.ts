/** `hako-oci pause`: stops all processes of a container, without their notice. */
import { freeze } from '../../runtime/cgroup/freeze.ts';
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
    if (status !== 'running' && status !== 'created') throw new OciError(`container not running or created: ${id} is ${status}`);
    if (record.cgroup.driver === 'disabled') throw new OciError(`the container ${id} has no cgroup of its own, so it can not be paused`);
    await applyToFiles(freeze(placeOf(record.cgroup)));
  },
});
