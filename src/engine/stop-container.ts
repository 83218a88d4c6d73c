/** Stopping, killing, pausing: what is done to a container's process from outside. */
import { freeze, thaw } from '../runtime/cgroup/freeze.ts';
import { killAll } from '../runtime/cgroup/kill.ts';
import { apply } from '../step/apply.ts';
import type { Container, Running } from './container.ts';
import { EngineError } from './engine.ts';
import { announce, type Parts } from './parts.ts';
import { cancelRestart } from './restart-policy.ts';
import { signalNumber } from './signal.ts';

const defaultTimeout = 10;

/** The running process, or an error that says that there is none. */
export function runningOf(container: Container): Running {
  if (container.running) return container.running;
  const { name } = container.record;
  throw new EngineError(
    409,
    container.stepping ? `container ${name} is not running yet: its start waits for a decision about a step` : `container ${name} is not running`,
  );
}

/**
 * Asks the process to end, and ends it when it does not in time. Resolves when the container has stopped.
 * @throws EngineError 304 when it does not run
 */
export async function stopContainer(parts: Parts, container: Container, options: { readonly seconds?: number; readonly signal?: string }): Promise<void> {
  const { record } = container;
  if (await giveUpStepping(container, 'stopped')) return;
  record.state.stoppedByUser = true;
  if (!container.running) {
    if (!cancelRestart(container)) throw new EngineError(304, `container ${record.name} is stopped already`);
    container.settle(['not-running']);
    return;
  }
  const { handle } = container.running;
  const stopped = container.wait('not-running');
  const seconds = options.seconds ?? record.config.StopTimeout ?? defaultTimeout;
  const signal = signalNumber(options.signal || record.config.StopSignal || 'SIGTERM');
  if (record.state.status === 'paused') await thawContainer(parts, container, container.running);
  announce(parts, container, 'kill', { signal: String(signal) });
  handle.signal(signal);
  // A negative time-out waits for ever, as in Docker.
  const timer =
    seconds < 0
      ? undefined
      : setTimeout(() => {
          announce(parts, container, 'kill', { signal: '9' });
          handle.signal(9);
        }, seconds * 1000);
  await stopped;
  clearTimeout(timer);
  announce(parts, container, 'stop');
}

/**
 * Gives up a start that waits for somebody's decision. Resolves when all of it is undone.
 * @returns whether there was one; not where it had come too far, and the container runs
 */
export async function giveUpStepping(container: Container, why: string): Promise<boolean> {
  if (!container.stepping) return false;
  container.stepping.abort(`the container was ${why} meanwhile`);
  await container.exclusive(async () => {});
  return !container.isRunning;
}

/** Sends a signal. */
export async function killContainer(parts: Parts, container: Container, signal: string): Promise<void> {
  const number = signalNumber(signal || 'SIGKILL');
  const stops = number === 9 || number === signalNumber(container.record.config.StopSignal || 'SIGTERM');
  if (stops && (await giveUpStepping(container, 'killed'))) return;
  const { handle, cgroup, namespaces } = runningOf(container);
  if (stops) container.record.state.stoppedByUser = true;
  announce(parts, container, 'kill', { signal: String(number) });
  if (number !== 9) {
    handle.signal(number);
    return;
  }
  const stopped = container.wait('not-running');
  if (namespaces.includes('pid')) handle.signal(9);
  else await apply(killAll(cgroup), { kernel: parts.kernel });
  // A frozen process in the v1 freezer dies only when it is thawed.
  if (container.record.state.status === 'paused') await apply(thaw(cgroup), { kernel: parts.kernel });
  await stopped;
}

/** Whether there is something to pause it by: a user's engine may have no cgroups. */
export const canPause = ({ cgroup }: Pick<Running, 'cgroup'>): boolean => cgroup.hierarchies.length > 0;

/** Freezes every process of the container. */
export async function pauseContainer(parts: Parts, container: Container): Promise<void> {
  const running = runningOf(container);
  if (container.record.state.status === 'paused') throw new EngineError(409, `container ${container.record.name} is already paused`);
  if (!canPause(running))
    throw new EngineError(
      409,
      `container ${container.record.name} cannot be paused: it has no cgroup of its own, since none of version 2 is delegated to you (by systemd: a service or scope of yours with Delegate=yes)`,
    );
  await apply(freeze(running.cgroup), { kernel: parts.kernel });
  container.record.state.status = 'paused';
  parts.files.saveRunning(container, running);
  announce(parts, container, 'pause');
}

/** Lets them go on. */
export async function unpauseContainer(parts: Parts, container: Container): Promise<void> {
  const running = runningOf(container);
  if (container.record.state.status !== 'paused') throw new EngineError(409, `container ${container.record.name} is not paused`);
  await thawContainer(parts, container, running);
  announce(parts, container, 'unpause');
}

async function thawContainer(parts: Parts, container: Container, running: Running): Promise<void> {
  await apply(thaw(running.cgroup), { kernel: parts.kernel });
  container.record.state.status = 'running';
  parts.files.saveRunning(container, running);
}
