/**
 * Starts a container in the foreground. Attach and wait are asked for before the start, so that neither the first
 * output nor a quick end is missed.
 */
import type { IncomingMessage } from 'node:http';
import type { WaitResponse } from '../api/schema.ts';
import { hijack, post, segment, send } from './client.ts';
import { readText } from './engine-socket.ts';
import { CommandError } from './command.ts';
import type { Attached } from './create-body.ts';
import { openSession, stay, type Session } from './session.ts';
import { proxySignals } from './signal-proxy.ts';

export interface AttachedRun {
  readonly attached: Attached;
  readonly terminal: boolean;
  /** `--rm`: the end is when the container is gone. */
  readonly removes: boolean;
  readonly detachKeys?: string | undefined;
  readonly proxySignals: boolean;
  /** How it is started, where not simply; it has the terminal until it is done. */
  readonly start?: (() => Promise<void>) | undefined;
  /** Told when the start fails; throws what the user sees. */
  readonly startFailed: (error: unknown) => Promise<never>;
}

/**
 * @param id the container, which is not running
 * @returns the container's exit code; 0 when the user detached from it
 */
export async function runAttached(id: string, run: AttachedRun): Promise<number> {
  const path = `/containers/${segment(id)}`;
  const signals = run.proxySignals ? proxySignals(run.terminal, (signal) => post(`${path}/kill`, { signal })) : undefined;
  const { stdin, stdout, stderr } = run.attached;
  const connections = Promise.all([
    hijack(`${path}/attach`, { query: { stream: true, stdin, stdout, stderr, detachKeys: run.detachKeys } }),
    // Its headers say that the engine has begun to wait.
    send('POST', `${path}/wait`, { query: { condition: run.removes ? 'removed' : 'next-exit' } }),
  ]);
  // An engine that refuses these has refused the start.
  const [hijacked, waiting] = await connections.catch((error: unknown) => run.startFailed(error));
  const open = (): Session => openSession(hijacked, { terminal: run.terminal, input: stdin, detachKeys: run.detachKeys });
  // Who is asked about each step needs the keyboard first.
  let session = run.start ? undefined : open();
  const exit = exitCode(waiting);
  exit.catch(() => {}); // looked at only after the streams ended
  try {
    await (run.start ? run.start() : post(`${path}/start`));
  } catch (error) {
    if (session) session.close();
    else hijacked.socket.destroy();
    signals?.close();
    return run.startFailed(error);
  }
  session ??= open();
  signals?.open();
  try {
    const detached = await stay(session, run.terminal ? `${path}/resize` : undefined);
    return detached ? 0 : await exit;
  } finally {
    signals?.close();
  }
}

/** @param waiting the answer of `wait`, which comes when the container has ended */
async function exitCode(waiting: IncomingMessage): Promise<number> {
  const text = await readText(waiting).catch(() => '');
  if (!text.trim())
    throw new CommandError('the engine went away before the container ended', {
      exitCode: 125,
      hint: 'The container goes on; `hako wait` gives its exit code when the engine is back.',
    });
  const { StatusCode, Error: failure } = JSON.parse(text) as WaitResponse;
  if (failure?.Message) throw new CommandError(`waiting for the container: ${failure.Message}`, { exitCode: 125 });
  return StatusCode;
}
