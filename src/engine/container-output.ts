/** A container's output for clients: attaching to it while it runs, and reading its log. */
import type { Container } from './container.ts';
import { EngineError, type AttachOptions, type Attachment, type LogOptions } from './engine.ts';
import { logLimits, readLog, type LogChunk } from './logs.ts';
import { announce, type Parts } from './parts.ts';

/**
 * Attaches a client. To a container that does not run yet it attaches when it starts: `run` attaches before it starts,
 * so that nothing of the output is missed.
 */
export async function attachContainer(parts: Parts, container: Container, options: AttachOptions): Promise<Attachment> {
  const { config, state } = container.record;
  if (state.status === 'paused') throw new EngineError(409, `Container ${container.id} is paused. Unpause the container before attach`);
  announce(parts, container, 'attach');
  const past = options.logs
    ? (await readContainerLogs(parts, container, { stdout: options.stdout, stderr: options.stderr, follow: false, timestamps: false })).output
    : undefined;
  const live = options.stream
    ? container.attachments.attach(
        container.running?.output,
        { stdin: options.stdin && (config.OpenStdin ?? false), stdout: options.stdout, stderr: options.stderr },
        config.Tty ?? false,
        config.StdinOnce ?? false,
      )
    : undefined;
  return {
    terminal: config.Tty ?? false,
    output: concatenate(past, live?.output),
    ...(live?.input ? { input: live.input } : {}),
    detach: () => live?.detach(),
  };
}

async function* concatenate(...parts: readonly (AsyncIterable<LogChunk> | undefined)[]): AsyncGenerator<LogChunk, void> {
  for (const part of parts) if (part) yield* part;
}

/** Reads the log; with `follow` it goes on until the container ends or the reader goes. */
export async function readContainerLogs(
  parts: Parts,
  container: Container,
  options: LogOptions,
): Promise<{ readonly terminal: boolean; readonly output: AsyncIterable<LogChunk> }> {
  const { config, hostConfig } = container.record;
  const ending = new AbortController();
  const reading = readLog(parts.files.logDirectory(container), logLimits(hostConfig.LogConfig).limits, options, ending.signal, container.running?.output.log);
  async function* output(): AsyncGenerator<LogChunk, void> {
    try {
      yield* reading;
    } finally {
      ending.abort();
    }
  }
  return { terminal: config.Tty ?? false, output: output() };
}
