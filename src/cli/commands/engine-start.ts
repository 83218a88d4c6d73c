/** `hako engine start`: starts the engine ahead of the first command that would. */
import { connect } from '../client.ts';
import { isAbsent, socketPath, tryConnect } from '../engine-socket.ts';
import { defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: [''],
  count: [0, 0],
  flags: {},
  async run() {
    try {
      (await tryConnect()).destroy();
      process.stdout.write(`the engine is running already, at ${socketPath}\n`);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      (await connect()).destroy();
    }
  },
});
