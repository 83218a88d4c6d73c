/** `hako exec`: another process in a running container. */
import type { ExecCreateBody, ExecInspect } from '../../api/schema.ts';
import { get, hijack, post, segment } from '../client.ts';
import { CommandError, defineCommand } from '../command.ts';
import { environment } from '../key-value.ts';
import { requireTerminal, terminalSize } from '../terminal.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER COMMAND [ARG...]'],
  count: [2, Infinity],
  completes: ['running'],
  ownsRest: true,
  flags: {
    detach: { kind: 'bool', short: 'd', help: 'Detached mode: run command in the background' },
    'detach-keys': { kind: 'string', help: 'Override the key sequence for detaching a container' },
    env: { kind: 'list', short: 'e', help: 'Set environment variables' },
    'env-file': { kind: 'list', help: 'Read in a file of environment variables', completes: 'file' },
    interactive: { kind: 'bool', short: 'i', help: 'Keep STDIN open even if not attached' },
    privileged: { kind: 'bool', help: 'Give extended privileges to the command' },
    tty: { kind: 'bool', short: 't', help: 'Allocate a pseudo-TTY' },
    user: { kind: 'string', short: 'u', help: 'Username or UID (format: "<name|uid>[:<group|gid>]")' },
    workdir: { kind: 'string', short: 'w', help: 'Working directory inside the container' },
  },
  async run({ flags, args: [name = '', ...command] }) {
    const input = flags.interactive && !flags.detach;
    requireTerminal(input, flags.tty && !flags.detach);
    const size = flags.tty ? terminalSize() : undefined;
    const body: ExecCreateBody = {
      AttachStdin: input,
      AttachStdout: !flags.detach,
      AttachStderr: !flags.detach,
      Tty: flags.tty,
      Cmd: command,
      Env: environment(flags['env-file'], flags.env),
      Privileged: flags.privileged,
      ...(size && { ConsoleSize: size }),
      ...(flags.user && { User: flags.user }),
      ...(flags.workdir && { WorkingDir: flags.workdir }),
      ...(flags['detach-keys'] && { DetachKeys: flags['detach-keys'] }),
    };
    const { Id } = await post<{ Id: string }>(`/containers/${segment(name)}/exec`, {}, body);
    const start = { Detach: flags.detach, Tty: flags.tty, ...(size && { ConsoleSize: size }) };
    try {
      if (!flags.detach) return await execInForeground(Id, start, { terminal: flags.tty, input, detachKeys: flags['detach-keys'] });
      await post(`/exec/${Id}/start`, {}, start);
      return 0;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const { startFailureCode } = await import('../create-container.ts');
      const code = startFailureCode(error);
      throw new CommandError(error.message, { exitCode: code === 125 ? 1 : code });
    }
  },
});

async function execInForeground(id: string, start: object, options: { terminal: boolean; input: boolean; detachKeys?: string | undefined }): Promise<number> {
  const { openSession, stay } = await import('../session.ts');
  const session = openSession(await hijack(`/exec/${id}/start`, { body: start }), options);
  if (await stay(session, options.terminal ? `/exec/${id}/resize` : undefined)) return 0;
  return (await get<ExecInspect>(`/exec/${id}/json`)).ExitCode ?? 0;
}
