/** `hako engine status`: whether the engine is running, without starting it. Exit code 1 when it is not. */
import { get } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';
import { enginePid } from '../engine-pid.ts';
import { isAbsent, runDirectory, socketPath, tryConnect } from '../engine-socket.ts';

export const command = defineCommand({
  usage: [''],
  count: [0, 0],
  flags: {},
  async run() {
    try {
      (await tryConnect()).destroy();
    } catch (error) {
      if (isAbsent(error)) {
        process.stdout.write('the engine is not running\n');
        return 1;
      }
      if (error instanceof CommandError) throw error;
      throw new CommandError(`cannot reach the engine at ${socketPath}: ${(error as NodeJS.ErrnoException).code}`);
    }
    const { Version } = await get<{ Version: string }>('/version');
    process.stdout.write(
      `the engine is running: process ${enginePid() ?? 'unknown'}, version ${Version}\n  socket  ${socketPath}\n  log     ${runDirectory}/hakod.log\n`,
    );
    return 0;
  },
});
