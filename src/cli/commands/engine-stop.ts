/** `hako engine stop`: ends the engine. Containers go on; the next command starts the engine again, and it finds them. */
import { once } from 'node:events';
import { CommandError, defineCommand } from '../command.ts';
import { enginePid } from '../engine-pid.ts';
import { isAbsent, socketPath, tryConnect } from '../engine-socket.ts';

export const command = defineCommand({
  usage: [''],
  count: [0, 0],
  flags: {},
  async run() {
    const connection = await tryConnect().catch((error: unknown) => {
      if (isAbsent(error)) return undefined;
      if (error instanceof CommandError) throw error;
      throw new CommandError(`cannot reach the engine at ${socketPath}: ${(error as NodeJS.ErrnoException).code}`);
    });
    if (!connection) {
      process.stdout.write('the engine is not running\n');
      return;
    }
    const pid = enginePid();
    if (!pid) throw new CommandError(`cannot find the process that listens on ${socketPath}`, { hint: 'Run the command as the user who started the engine.' });
    connection.on('error', () => {});
    connection.resume();
    const closed = once(connection, 'close');
    process.kill(pid, 'SIGTERM');
    // The connection ends when the process does, or a little before.
    connection.once('end', () => connection.end());
    await closed;
    await ended(pid);
    process.stdout.write(`the engine (process ${pid}) has ended\n`);
  },
});

/** A process that is not our child tells nobody of its end: its entry in /proc goes. */
async function ended(pid: number): Promise<void> {
  for (let tries = 0; tries < 1000; tries++) {
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new CommandError(`the engine (process ${pid}) was asked to end and has not, after 10 seconds`);
}
