/** Joins the streams of a container that is running already. */
import type { ContainerInspect, WaitResponse } from '../api/schema.ts';
import { get, hijack, post, segment } from './client.ts';
import { CommandError } from './command.ts';
import { openSession, stay } from './session.ts';
import { proxySignals } from './signal-proxy.ts';
import { requireTerminal } from './terminal.ts';

export interface AttachChoice {
  readonly input: boolean;
  readonly detachKeys?: string | undefined;
  readonly proxySignals: boolean;
}

/**
 * @returns the container's exit code, or 0 when the user detached
 * @throws CommandError when the container is not running
 */
export async function attach(name: string, choice: AttachChoice): Promise<number> {
  const path = `/containers/${segment(name)}`;
  const { Config, State } = await get<ContainerInspect>(`${path}/json`);
  if (!State.Running) throw new CommandError('you cannot attach to a stopped container, start it first');
  if (State.Paused) throw new CommandError('you cannot attach to a paused container, unpause it first');
  const terminal = Config.Tty ?? false;
  const input = choice.input && (Config.OpenStdin ?? false);
  requireTerminal(input, terminal);
  const waiting = post<WaitResponse>(`${path}/wait`);
  waiting.catch(() => {}); // looked at only when the streams end
  const hijacked = await hijack(`${path}/attach`, { query: { stream: true, stdin: input, stdout: true, stderr: true, detachKeys: choice.detachKeys } });
  const signals = choice.proxySignals ? proxySignals(terminal, (signal) => post(`${path}/kill`, { signal })) : undefined;
  signals?.open();
  const session = openSession(hijacked, { terminal, input, detachKeys: choice.detachKeys });
  try {
    const detached = await stay(session, terminal ? `${path}/resize` : undefined);
    return detached ? 0 : (await waiting).StatusCode;
  } finally {
    signals?.close();
  }
}
