/** `hako why`: runs a command in a container, and says which gatekeeper of the kernel refused what it wanted. */
import type { ExecCreateBody, WhyReport } from '../../api/schema.ts';
import { ApiError, get, hijack, post, segment } from '../client.ts';
import { CommandError, defineCommand, UsageError } from '../command.ts';
import { objectFormatFlag } from '../format-flag.ts';
import { environment } from '../key-value.ts';
import { langFlag, languageOf } from '../language.ts';
import { complain, print } from '../terminal-text.ts';
import type { WhyTextOptions } from '../why-text.ts';

export const command = defineCommand({
  usage: ['[OPTIONS] CONTAINER [--] COMMAND [ARG...]'],
  description:
    "Runs a command in a running container as hako exec does, with the same\nconfinement, and watches its system calls. When it fails, says who refused: file\npermissions, a capability, the seccomp filter, the device filter of the cgroup, a\nread-only mount, a limit, a missing file or interpreter, an address in use, the\nnetwork; by what kernel state; what would let it through, and what that opens up.\n\nThe report is written to standard output; what the command itself writes, all of\nit to standard error. The exit code is the command's own.",
  count: [2, Infinity],
  completes: ['running'],
  ownsRest: true,
  flags: {
    all: { kind: 'bool', short: 'a', help: 'Show every refused call, not the decisive one alone' },
    env: { kind: 'list', short: 'e', help: 'Set environment variables' },
    format: objectFormatFlag,
    interactive: { kind: 'bool', short: 'i', help: 'Keep STDIN open' },
    lang: langFlag,
    user: { kind: 'string', short: 'u', help: 'Username or UID (format: "<name|uid>[:<group|gid>]")' },
    workdir: { kind: 'string', short: 'w', help: 'Working directory inside the container' },
  },
  async run({ flags, args: [name = '', ...rest] }) {
    const language = languageOf(flags.lang);
    const words = rest[0] === '--' ? rest.slice(1) : rest;
    // With the `--` it is plain that this was meant for hako: no program has such a name.
    if (rest[0] !== '--' && rest[0]?.startsWith('-')) throw new UsageError(`${rest[0]} comes too late: options stand before CONTAINER`);
    if (words.length === 0) throw new UsageError('a command is missing: hako why CONTAINER -- COMMAND');
    const body: ExecCreateBody = {
      AttachStdin: flags.interactive,
      AttachStdout: true,
      AttachStderr: true,
      Cmd: words,
      Env: environment([], flags.env),
      ...(flags.user && { User: flags.user }),
      ...(flags.workdir && { WorkingDir: flags.workdir }),
    };
    const { Id } = await post<{ Id: string }>(`/containers/${segment(name)}/why`, {}, body);
    const failure = await follow(Id, flags.interactive);
    const report = await get<WhyReport>(`/exec/${Id}/why`).catch((error: unknown) => {
      // It failed before it was watched: what failed then is told.
      throw failure ?? error;
    });
    if (failure && report.decisive === undefined) throw failure;
    if (failure) complain(failure.message);
    await tell(report, { container: name, all: flags.all, format: flags.format, language });
    return report.exitCode ?? 137;
  },
});

/** Runs it to its end. @returns why it could not be started, where the engine says so */
async function follow(id: string, input: boolean): Promise<CommandError | undefined> {
  const { openSession, stay } = await import('../session.ts');
  try {
    const connection = await hijack(`/exec/${id}/start`, { body: { Detach: false, Tty: false } });
    await stay(openSession(connection, { terminal: false, input, stdout: process.stderr }), undefined);
    return undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { startFailureCode } = await import('../create-container.ts');
    const code = startFailureCode(error);
    return new CommandError(error.message, { exitCode: code === 125 ? 1 : code });
  }
}

async function tell(
  report: WhyReport,
  options: Pick<WhyTextOptions, 'all' | 'language' | 'container'> & { readonly format: string | undefined },
): Promise<void> {
  if (options.format !== undefined) {
    const { formatObjects } = await import('../object-output.ts');
    process.stdout.write(await formatObjects([report], options.format));
    return;
  }
  const [{ whyText }, { painter, textWidth }] = await Promise.all([import('../why-text.ts'), import('../paint.ts')]);
  print(whyText(report, { ...options, width: textWidth(), paint: painter() }));
}
