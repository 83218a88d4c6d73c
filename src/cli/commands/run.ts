/** `hako run`: creates a container and starts it, in the foreground with our terminal and signals, or in the background. */
import type { ContainerCreateBody } from '../../api/schema.ts';
import { post } from '../client.ts';
import { CommandError, defineCommand, UsageError, type Flags, type Values } from '../command.ts';
import { containerFlags } from '../container-flags.ts';
import { attachedStreams, createBody } from '../create-body.ts';
import { createContainer, startFailureCode } from '../create-container.ts';
import { watchedStart, watchFlags } from '../watched-start.ts';

const runFlags = {
  ...containerFlags,
  detach: { kind: 'bool', short: 'd', help: 'Run container in background and print container ID' },
  'detach-keys': { kind: 'string', help: 'Override the key sequence for detaching a container' },
  ...watchFlags,
  'sig-proxy': { kind: 'bool', help: 'Proxy received signals to the process', default: true },
} as const satisfies Flags;

export const command = defineCommand({
  usage: ['[OPTIONS] IMAGE [COMMAND] [ARG...]'],
  count: [1, Infinity],
  completes: ['image'],
  ownsRest: true,
  flags: runFlags,
  async run(invocation) {
    const { flags } = invocation;
    if (flags.detach && flags.attach.length) throw new UsageError('conflicting options: cannot specify both --attach and --detach');
    const attached = flags.detach ? { stdin: false, stdout: false, stderr: false } : attachedStreams(flags);
    const body = createBody(invocation, attached);
    if (flags.explain !== undefined) {
      const { printExplanation } = await import('../explain.ts');
      return printExplanation(flags.explain, body, flags.name);
    }
    return flags.detach ? runInBackground(flags, body) : runInForeground(flags, body);
  },
});

async function runInBackground(flags: Values<typeof runFlags>, body: ContainerCreateBody): Promise<void> {
  const start = watchedStart(flags, flags.name, false) ?? ((id) => post(`/containers/${id}/start`));
  const id = await createContainer(flags, body);
  try {
    await start(id);
  } catch (error) {
    await startFailed(id, flags.rm, error);
  }
  process.stdout.write(`${id}\n`);
}

async function runInForeground(flags: Values<typeof runFlags>, body: ContainerCreateBody): Promise<number> {
  const { requireTerminal, terminalSize } = await import('../terminal.ts');
  requireTerminal(body.AttachStdin ?? false, flags.tty);
  const size = flags.tty ? terminalSize() : undefined;
  if (size) body.HostConfig!.ConsoleSize = size;
  const { runAttached } = await import('../attached-run.ts');
  const start = watchedStart(flags, flags.name, body.AttachStdin ?? false);
  const id = await createContainer(flags, body);
  const attached = { stdin: body.AttachStdin ?? false, stdout: body.AttachStdout ?? false, stderr: body.AttachStderr ?? false };
  return runAttached(id, {
    attached,
    terminal: flags.tty,
    removes: flags.rm,
    detachKeys: flags['detach-keys'],
    proxySignals: flags['sig-proxy'],
    start: start && (() => start(id)),
    startFailed: (error) => startFailed(id, flags.rm, error),
  });
}

/** A container that `--rm` promised to remove is removed, whatever kept it from starting; and one that was given up step by step. @throws always */
async function startFailed(id: string, removes: boolean, error: unknown): Promise<never> {
  if (!(error instanceof CommandError)) throw error;
  if (removes || 'givenUp' in error) {
    const { request } = await import('../client.ts');
    await request('DELETE', `/containers/${id}`, { query: { force: true, v: true } }).catch(() => {});
  }
  throw new CommandError(error.message, { exitCode: startFailureCode(error), ...(error.hint !== undefined && { hint: error.hint }) });
}
