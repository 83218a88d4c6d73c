/** `hako-oci state`: the state of one container, in JSON. */
import { defineCommand } from '../command.ts';
import { containerState } from '../container-state.ts';
import { print } from '../print.ts';
import { StateStore } from '../state-store.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  count: [1, 1],
  flags: {},
  run({ args: [id] }, { root }) {
    const store = new StateStore(root);
    const record = store.read(id!);
    print(`${JSON.stringify(containerState(record, store.status(record)), undefined, 2)}\n`);
  },
});
