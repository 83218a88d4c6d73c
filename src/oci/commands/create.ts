/** `hako-oci create`: a container whose process waits for its start. */
import { defineCommand } from '../command.ts';
import { createContainer } from '../create-container.ts';
import { createFlags, requestOf } from '../create-flags.ts';

export const command = defineCommand({
  usage: 'CONTAINER',
  description: 'Everything of the container is made, and its program found; `start` lets it begin.',
  count: [1, 1],
  flags: createFlags,
  async run({ flags, args: [id] }, settings) {
    await createContainer({ ...requestOf(id!, flags), gated: true }, settings);
  },
});
