/** `hako trace`: what happened when a container was started with --trace. */
import type { Trace } from '../../api/schema.ts';
import { get, segment } from '../client.ts';
import { defineCommand } from '../command.ts';
import { painter } from '../paint.ts';
import { renderTrace, traceForm } from '../trace-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER'],
  description:
    "Shows every step of the container's last start that was traced (hako run --trace, hako start --trace): the engine's, the monitor's and the new process's, " +
    'each in a lane of its own, with the system calls, what the kernel returned, and the objects that were born (+), changed (~) or gone (-).',
  count: [1, 1],
  completes: ['container'],
  flags: {
    format: {
      kind: 'string',
      short: 'f',
      help: 'text (the default), json, or chrome: a file for Perfetto or chrome://tracing',
      completes: ['text', 'json', 'chrome'],
    },
  },
  async run({ flags, args }) {
    const form = traceForm(flags.format ?? 'text', '--format');
    const trace = await get<Trace>(`/containers/${segment(args[0]!)}/trace`);
    process.stdout.write(renderTrace(trace, form, { paint: painter(), width: process.stdout.columns || 120 }));
  },
});
