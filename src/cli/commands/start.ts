/** `hako start`: starts containers that were created or have ended; with -a or -i, one of them in the foreground. */
import type { ContainerInspect } from '../../api/schema.ts';
import { get, post, segment } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';
import { eachInOrder } from '../each.ts';
import { watchedStart, watchFlags } from '../watched-start.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER [CONTAINER...]'],
  count: [1, Infinity],
  completes: ['container'],
  flags: {
    attach: { kind: 'bool', short: 'a', help: 'Attach STDOUT/STDERR and forward signals' },
    'detach-keys': { kind: 'string', help: 'Override the key sequence for detaching a container' },
    interactive: { kind: 'bool', short: 'i', help: "Attach container's STDIN" },
    ...watchFlags,
  },
  async run({ flags, args }) {
    const start = watchedStart(flags, args[0], flags.interactive);
    if (!flags.attach && !flags.interactive) return eachInOrder(args, (name) => (start ? start(name) : post(`/containers/${segment(name)}/start`)));
    if (args.length > 1) throw new CommandError('you cannot start and attach multiple containers at once');
    const { Id, Config, HostConfig, State } = await get<ContainerInspect>(`/containers/${segment(args[0]!)}/json`);
    if (State.Running) {
      const { attach } = await import('../attach.ts');
      return attach(args[0]!, { input: flags.interactive, detachKeys: flags['detach-keys'], proxySignals: true });
    }
    const { runAttached } = await import('../attached-run.ts');
    const { requireTerminal } = await import('../terminal.ts');
    const terminal = Config.Tty ?? false;
    requireTerminal(flags.interactive, terminal);
    return runAttached(Id, {
      attached: { stdin: flags.interactive && (Config.OpenStdin ?? false), stdout: true, stderr: true },
      terminal,
      removes: HostConfig.AutoRemove ?? false,
      detachKeys: flags['detach-keys'],
      proxySignals: true,
      start: start && (() => start(Id)),
      startFailed(error) {
        throw error;
      },
    });
  },
});
