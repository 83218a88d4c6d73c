/** `hako attach-step`: a shell, or a command, in a container whose start waits before a step. */
import type { WaitingStep } from '../../api/schema.ts';
import { get, segment } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';
import { complain } from '../terminal-text.ts';

export const command = defineCommand({
  usage: ['CONTAINER [COMMAND] [ARG...]'],
  description:
    'Looks into a half-made container from another terminal, while its start (hako run --step, --hand) waits before a step: runs a command, by default a shell, ' +
    "in the namespaces that its process is in at that moment. Before mount.pivot the root is still the host's.",
  count: [1, Infinity],
  ownsRest: true,
  completes: ['container'],
  flags: {},
  async run({ args: [name, ...words] }) {
    const { Step, What, Pid } = await get<WaitingStep>(`/containers/${segment(name!)}/steps`);
    if (Pid === 0) throw new CommandError(`container ${name} has no process yet: its start waits before ${Step}, which the engine is to do`);
    complain(`container ${name}, process ${Pid}, stands before ${Step}: ${What}`);
    const { enterNamespaces } = await import('../../element/ns/enter.ts');
    const { take } = await import('../element.ts');
    const { ownEnvironment } = await import('../own-environment.ts');
    return take(
      enterNamespaces({ process: { pid: Pid, types: new Set() }, files: [], args: words.length ? words : ['sh'], env: ownEnvironment(), name: 'attach-step' }),
      undefined,
    );
  },
});
