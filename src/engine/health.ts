/** Health checks: a command that is run in the container from time to time. See Dockerfile reference, HEALTHCHECK. */
import type { Health } from '../api/schema.ts';
import type { Container } from './container.ts';
import { runToEnd } from './execs.ts';
import { announce, type Parts } from './parts.ts';
import { now, rfc3339 } from './time.ts';

const second = 1e9;
const defaults = { interval: 30 * second, timeout: 30 * second, startPeriod: 0, startInterval: 5 * second, retries: 3 };
const keptResults = 5;
const keptOutput = 4096;

const states = new WeakMap<Container, Health>();

/** The health of a container as `inspect` shows it; absent when it has no check. */
export function healthOf(container: Container): Health | undefined {
  return states.get(container);
}

/** Checks the container while it runs; the function that is returned ends it. */
export function watchHealth(parts: Parts, container: Container): () => void {
  const check = container.record.config.Healthcheck;
  const [kind, ...words] = check?.Test ?? [];
  if (!check || kind === undefined || kind === 'NONE' || words.length === 0) return () => {};
  const command = kind === 'CMD-SHELL' ? [...(container.record.config.Shell ?? ['/bin/sh', '-c']), words.join(' ')] : words;
  const value = (asked: number | undefined, otherwise: number): number => (asked ? asked : otherwise) / 1e6;
  const interval = value(check.Interval, defaults.interval);
  const timeout = value(check.Timeout, defaults.timeout);
  const startPeriod = value(check.StartPeriod, defaults.startPeriod);
  const startInterval = value(check.StartInterval, defaults.startInterval);
  const retries = check.Retries || defaults.retries;
  const health: Health = { Status: 'starting', FailingStreak: 0, Log: [] };
  states.set(container, health);
  const ending = new AbortController();
  const begun = Date.now();
  let timer: NodeJS.Timeout | undefined;

  const next = (): void => {
    const starting = health.Status === 'starting' && Date.now() - begun < startPeriod;
    timer = setTimeout(() => void probe(), starting ? startInterval : interval);
    timer.unref();
  };
  const judge = (exitCode: number): void => {
    const before = health.Status;
    if (exitCode === 0) Object.assign(health, { Status: 'healthy', FailingStreak: 0 });
    else if (!(before === 'starting' && Date.now() - begun < startPeriod)) {
      health.FailingStreak++;
      if (health.FailingStreak >= retries) health.Status = 'unhealthy';
    }
    if (health.Status !== before) announce(parts, container, `health_status: ${health.Status}`);
  };
  const probe = async (): Promise<void> => {
    const start = rfc3339(now());
    const result = await runToEnd(
      parts,
      container,
      { Cmd: command, AttachStdout: true, AttachStderr: true },
      keptOutput,
      AbortSignal.any([ending.signal, AbortSignal.timeout(timeout)]),
    ).catch((error: unknown) => ({ exitCode: -1, output: String(error) }));
    if (ending.signal.aborted) return;
    health.Log.push({ Start: start, End: rfc3339(now()), ExitCode: result.exitCode, Output: result.output });
    if (health.Log.length > keptResults) health.Log.shift();
    judge(result.exitCode);
    next();
  };
  next();
  return () => {
    ending.abort();
    clearTimeout(timer);
  };
}
