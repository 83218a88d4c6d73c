/** `hako export-script`: a container as a shell script, to be run with nothing but util-linux, coreutils and iproute2. */
import { readText } from '../engine-socket.ts';
import { send, segment } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER'],
  description:
    'Writes the shell lines of the steps that a start of the container takes, in their order, each under what it does: a script that starts\n' +
    'one like it, beside the engine, and takes everything away at its end.',
  count: [1, 1],
  completes: ['container'],
  flags: {
    output: { kind: 'string', short: 'o', help: 'Write to this file instead of standard output', completes: 'file' },
    cgroup: { kind: 'string', help: 'Write it for a machine with this form of cgroups\n(default: that of this machine)', completes: ['v1', 'v2', 'hybrid'] },
  },
  async run({ flags, args: [name = ''] }) {
    const text = await readText(await send('GET', `/containers/${segment(name)}/script`, { query: { cgroup: flags.cgroup } }));
    if (flags.output === undefined) {
      process.stdout.write(text);
      return;
    }
    const { writeFileSync } = await import('node:fs');
    try {
      writeFileSync(flags.output, text, { mode: 0o755 });
    } catch (error) {
      throw new CommandError(`the script can't be written to ${flags.output}: ${(error as NodeJS.ErrnoException).code}`);
    }
  },
});
