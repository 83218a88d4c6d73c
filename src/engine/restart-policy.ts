/** Restart policies: `no`, `on-failure[:max]`, `always`, `unless-stopped`. Docker's delays: 100 ms, doubled up to a minute. */
import type { Container } from './container.ts';
import { announce, type Parts } from './parts.ts';

const firstDelay = 100;
const longestDelay = 60_000;
/** A container that ran this long is well again: the next delay is the first one. */
const healthyAfter = 10_000;

const waiting = new Map<Container, { readonly timer: NodeJS.Timeout }>();
const delays = new WeakMap<Container, number>();

/** Whether the policy has a container that has ended started again. */
export function wantsRestart(container: Container): boolean {
  const { hostConfig, state, restartCount } = container.record;
  const policy = hostConfig.RestartPolicy;
  if (state.stoppedByUser) return false;
  switch (policy?.Name) {
    case 'always':
    case 'unless-stopped':
      return true;
    case 'on-failure':
      return state.exitCode !== 0 && (!policy.MaximumRetryCount || restartCount < policy.MaximumRetryCount);
    default:
      return false;
  }
}

/** Has the container started again after a while, if its policy says so; the state becomes `restarting`. */
export function scheduleRestart(parts: Parts, container: Container, start: () => Promise<void>): boolean {
  if (!wantsRestart(container)) return false;
  const { record } = container;
  const ran = Date.parse(record.state.finishedAt) - Date.parse(record.state.startedAt);
  const delay = ran > healthyAfter ? firstDelay : Math.min(longestDelay, (delays.get(container) ?? firstDelay / 2) * 2);
  delays.set(container, delay);
  record.state.status = 'restarting';
  const timer = setTimeout(() => {
    waiting.delete(container);
    void container
      .exclusive(async () => {
        if (record.state.status !== 'restarting') return;
        record.restartCount++;
        await start();
        announce(parts, container, 'restart');
      })
      .catch((error: unknown) => {
        parts.report(`restarting container ${record.name}: ${String(error)}`);
        if (!scheduleRestart(parts, container, start)) container.settle(['not-running']);
      });
  }, delay);
  waiting.set(container, { timer });
  return true;
}

/** Gives a pending restart up; true when there was one. */
export function cancelRestart(container: Container): boolean {
  const pending = waiting.get(container);
  if (!pending) return false;
  clearTimeout(pending.timer);
  waiting.delete(container);
  container.record.state.status = 'exited';
  return true;
}
