/** Execs: more processes in a running container. They are forgotten when the container ends, as in Docker a while after. */
import { randomBytes } from 'node:crypto';
import type { ExecCreateBody, ExecInspect, WhyReport } from '../api/schema.ts';
import { exec, type ExecPlan } from '../runtime/exec.ts';
import type { ContainerProcess } from '../runtime/process.ts';
import { apply } from '../step/apply.ts';
import type { Container } from './container.ts';
import { EngineError, type Attachment, type ExecOperations } from './engine.ts';
import { describeFailedStart } from './failed-start.ts';
import { nullLog } from './logs-writer.ts';
import { OutputHub } from './output-hub.ts';
import { announce, type Parts } from './parts.ts';
import { buildExecProcess } from './spec/exec.ts';
import { runningOf } from './stop-container.ts';
import { TracedExec, whyContext } from './traced-exec.ts';

interface Exec {
  readonly id: string;
  readonly container: Container;
  readonly body: ExecCreateBody;
  state: 'created' | 'running' | 'ended';
  exitCode: number | undefined;
  process: ContainerProcess | undefined;
  output: OutputHub | undefined;
  /** It is traced, for `hako why`; until so many others were that its report is dropped. */
  tracing?: TracedExec | undefined;
  /** Settles when its end is known, with the exit code. */
  ended?: Promise<void>;
}

const execs = new Map<string, Exec>();
/** Execs that are remembered: as many that were never started, and as many that have ended, for clients that ask for the exit code. */
const remembered = 1000;
/** Of those, such as have a report, which is much larger than an exit code. */
const mostReports = 50;

function find(id: string): Exec {
  const found = execs.get(id);
  if (!found) throw new EngineError(404, `No such exec instance: ${id}`);
  return found;
}

/** Forgets the execs of a container that has ended, but those whose exit code somebody may still ask for. */
export function endExecs(_parts: Parts, container: Container): void {
  for (const id of container.execs) if (execs.get(id)?.state === 'created') execs.delete(id);
  container.execs.clear();
}

const longestCommandText = 1024;

/** The command as events tell it. It is cut, since they are kept for a while and an image says what its health check runs; copied, since a part keeps its whole. */
function commandText({ Cmd = [] }: ExecCreateBody): string {
  const text = Cmd.join(' ');
  return text.length > longestCommandText ? `${Buffer.from(text.slice(0, longestCommandText)).toString()}…` : text;
}

/** Each kind has its own bound: a client that starts none of its execs must not push out the exit codes of others. */
function forgetOldest(): void {
  for (const exec of [...execs.values()].filter(({ tracing, state }) => tracing && state === 'ended').slice(0, -mostReports)) exec.tracing = undefined;
  if (execs.size <= remembered) return;
  for (const state of ['created', 'ended'] as const) {
    const surplus = [...execs.values()].filter((exec) => exec.state === state).slice(0, -remembered);
    for (const { id, container } of surplus) {
      execs.delete(id);
      container.execs.delete(id);
    }
  }
}

async function run(parts: Parts, found: Exec, options: { readonly terminal: boolean; readonly consoleSize?: readonly [number, number] }): Promise<OutputHub> {
  const { container, body } = found;
  const running = runningOf(container);
  if (container.record.state.status === 'paused') throw new EngineError(409, `container ${container.record.name} is paused: unpause it before an exec`);
  const { process, seccomp } = buildExecProcess(container, { ...body, Tty: options.terminal }, running.handle.pid);
  const [height, width] = options.consoleSize ?? body.ConsoleSize ?? [];
  const plan: ExecPlan = {
    id: found.id,
    owner: parts.settings.run,
    process: { ...process, ...(height && width ? { consoleSize: { height, width } } : {}) },
    pid: running.handle.pid,
    namespaces: running.namespaces,
    cgroup: running.cgroup,
    ...(seccomp ? { seccomp } : {}),
    stdin: body.AttachStdin ?? false,
    ...(found.tracing ? { whileWaiting: (pid) => found.tracing!.begin(pid) } : {}),
  };
  try {
    await found.tracing?.ready();
    const started = await apply(exec(plan), { kernel: parts.kernel });
    const output = new OutputHub(started.streams, nullLog);
    Object.assign(found, { state: 'running', process: started, output });
    announce(parts, container, `exec_start: ${commandText(body)}`, { execID: found.id });
    found.ended = started.exited.then(async (status) => {
      await output.drained;
      output.close();
      started.release();
      Object.assign(found, { state: 'ended', exitCode: status.code, process: undefined });
      container.execs.delete(found.id);
      announce(parts, container, 'exec_die', { execID: found.id, exitCode: String(status.code) });
      forgetOldest();
    });
    return output;
  } catch (error) {
    const failed = describeFailedStart(container.record.name, error);
    Object.assign(found, { state: 'ended', exitCode: failed.exitCode });
    container.execs.delete(found.id);
    throw failed.error;
  }
}

/** Remembers an exec that is to be started. */
function create(parts: Parts, ref: string, body: ExecCreateBody, tracing?: TracedExec): Exec {
  const container = parts.containers.find(ref);
  runningOf(container);
  if (container.record.state.status === 'paused') throw new EngineError(409, `container ${container.record.name} is paused: unpause it before an exec`);
  if (!body.Cmd?.length) throw new EngineError(400, 'No exec command specified');
  const id = randomBytes(32).toString('hex');
  const made: Exec = { id, container, body, state: 'created', exitCode: undefined, process: undefined, output: undefined, ...(tracing ? { tracing } : {}) };
  execs.set(id, made);
  container.execs.add(id);
  forgetOldest();
  announce(parts, container, `exec_create: ${commandText(body)}`, { execID: id });
  return made;
}

/** The same, but the output does not end before the exit code is known, unless the client detaches: it asks for the code then. */
function withEnd(attachment: Attachment, ended: Promise<void>): Attachment {
  const detached = Promise.withResolvers<void>();
  async function* output(): Attachment['output'] {
    yield* attachment.output;
    await Promise.race([ended, detached.promise]);
  }
  const detach = (): void => {
    attachment.detach();
    detached.resolve();
  };
  return { ...attachment, output: output(), detach };
}

/** The operations on execs. */
export function execOperations(parts: Parts): ExecOperations {
  return {
    async create(ref, body) {
      return { Id: create(parts, ref, body).id };
    },
    async why(ref, body) {
      if (body.Tty) throw new EngineError(400, 'A command that is traced has no terminal: leave Tty out');
      const container = parts.containers.find(ref);
      runningOf(container);
      return { Id: create(parts, ref, body, new TracedExec(whyContext(parts, container))).id };
    },
    async whyReport(id): Promise<WhyReport> {
      // It may be forgotten while its report is waited for.
      const found = find(id);
      const { tracing, body } = found;
      if (!tracing) throw new EngineError(404, `exec ${id} has no report: it is not traced, or ${mostReports} others were since`);
      if (found.state === 'created') throw new EngineError(409, `exec ${id} has not been started`);
      const report = await tracing.report;
      if (!report) throw new EngineError(500, `the tracer of exec ${id} gave no report: ${tracing.lost ?? 'it had no hold of the command'}`);
      // The tracer knows of the end before the engine does.
      await found.ended;
      return { command: body.Cmd ?? [], exitCode: found.exitCode ?? null, ...report };
    },
    async start(id, options): Promise<Attachment | undefined> {
      const found = find(id);
      if (found.state !== 'created') throw new EngineError(409, `exec ${id} has already been started`);
      found.state = 'running';
      const { body } = found;
      const output = await run(parts, found, options).catch((error: unknown) => {
        found.tracing?.giveUp();
        throw error;
      });
      if (options.detach) {
        output.input?.end();
        return undefined;
      }
      return withEnd(output.attach({ stdin: body.AttachStdin ?? false, stdout: body.AttachStdout ?? false, stderr: body.AttachStderr ?? false }), found.ended!);
    },
    async resize(id, height, width) {
      const { process } = find(id);
      if (!process) throw new EngineError(409, `exec ${id} is not running`);
      process.resize(height, width);
    },
    async inspect(id): Promise<ExecInspect> {
      const { container, body, state, exitCode, process } = find(id);
      return {
        ID: id,
        Running: state === 'running',
        ExitCode: exitCode ?? null,
        ProcessConfig: {
          tty: body.Tty ?? false,
          entrypoint: body.Cmd?.[0] ?? '',
          arguments: body.Cmd?.slice(1) ?? [],
          privileged: body.Privileged ?? false,
          ...(body.User ? { user: body.User } : {}),
        },
        OpenStdin: body.AttachStdin ?? false,
        OpenStdout: body.AttachStdout ?? false,
        OpenStderr: body.AttachStderr ?? false,
        CanRemove: state === 'ended',
        ContainerID: container.id,
        DetachKeys: body.DetachKeys ?? '',
        Pid: process?.pid ?? 0,
      };
    },
  };
}

/** Runs a command to its end and gives what it wrote: for health checks. Output beyond `limit` bytes is dropped. */
export async function runToEnd(
  parts: Parts,
  container: Container,
  body: ExecCreateBody,
  limit: number,
  signal: AbortSignal,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const found: Exec = { id: randomBytes(32).toString('hex'), container, body, state: 'created', exitCode: undefined, process: undefined, output: undefined };
  const hub = await run(parts, found, { terminal: false });
  const stop = (): void => void found.process?.signal(9);
  signal.addEventListener('abort', stop, { once: true });
  const { exited } = found.process!;
  let text = '';
  for await (const { data } of hub.attach({ stdin: false, stdout: true, stderr: true }).output)
    if (text.length < limit) text += Buffer.from(data).toString('utf8', 0, limit - text.length);
  const status = await exited;
  signal.removeEventListener('abort', stop);
  return { exitCode: status.code, output: text };
}
