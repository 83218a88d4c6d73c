/** `hako create`: makes a container and does not start it. */
import { defineCommand } from '../command.ts';
import { containerFlags } from '../container-flags.ts';
import { attachedStreams, createBody } from '../create-body.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] IMAGE [COMMAND] [ARG...]'],
  count: [1, Infinity],
  completes: ['image'],
  ownsRest: true,
  flags: containerFlags,
  async run(invocation) {
    const { flags } = invocation;
    const body = createBody(invocation, attachedStreams(flags));
    if (flags.explain !== undefined) {
      const { printExplanation } = await import('../explain.ts');
      return printExplanation(flags.explain, body, flags.name);
    }
    const { createContainer } = await import('../create-container.ts');
    process.stdout.write(`${await createContainer(flags, body)}\n`);
  },
});
