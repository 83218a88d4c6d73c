/** Starting a container, and what follows by itself when it ends. */
import { closeSync } from 'node:fs';
import { describeFailedStart } from './failed-start.ts';
import { apply } from '../step/apply.ts';
import { start } from '../runtime/start.ts';
import { oomKills } from '../runtime/cgroup/stats.ts';
import { killAll } from '../runtime/cgroup/kill.ts';
import { removeCgroup } from '../runtime/cgroup/remove.ts';
import type { ExitStatus } from '../runtime/monitor.ts';
import type { Container, Running } from './container.ts';
import { EngineError } from './engine.ts';
import { endExecs } from './execs.ts';
import { watchHealth } from './health.ts';
import { insist } from './insist.ts';
import { logLimits, openLog } from './logs.ts';
import { OutputHub } from './output-hub.ts';
import { announce, type Parts } from './parts.ts';
import { removeContainer } from './remove-container.ts';
import { scheduleRestart } from './restart-policy.ts';
import { prepareStart } from './start-plan.ts';
import type { StartWatch } from './start-watch.ts';
import { now, rfc3339 } from './time.ts';

/** Output that is still held open this long after the process ended belongs to somebody else. */
const drainTimeout = 2000;

/**
 * Starts a container that does not run. Call within `container.exclusive`.
 * @param watch whoever watches
 * @throws EngineError 304 when it runs; else with why it could not be started: the state says so too
 */
export async function startContainer(parts: Parts, container: Container, watch?: StartWatch): Promise<void> {
  const { record } = container;
  if (container.isRunning) throw new EngineError(304, `container ${record.name} is running already`);
  if (record.state.status === 'removing' || record.state.status === 'dead')
    throw new EngineError(409, `container ${record.name} is marked for removal and cannot be started`);
  const { running, warnings } = await begin(parts, container, watch).catch((error: unknown) => {
    watch?.ended({ failure: error instanceof Error ? error : new Error(String(error)) });
    return giveUp(parts, container, error);
  });
  watch?.ended({ pid: running.process.process.pid });
  for (const warning of warnings) parts.report(`container ${record.name}: ${warning}`);
  Object.assign(record.state, { status: 'running', exitCode: 0, error: '', oomKilled: false, startedAt: rfc3339(now()), stoppedByUser: false });
  adopt(parts, container, running);
  parts.files.saveRunning(container, running);
  announce(parts, container, 'start');
}

/** A start has failed: the state says why, and a container that nobody is to see again goes. */
async function giveUp(parts: Parts, container: Container, error: unknown): Promise<never> {
  const { record } = container;
  const failed = describeFailedStart(record.name, error);
  Object.assign(record.state, {
    status: record.state.status === 'restarting' ? 'exited' : record.state.status,
    exitCode: failed.exitCode,
    error: failed.error.message,
    finishedAt: rfc3339(now()),
  });
  container.attachments.failed();
  container.settle(['next-exit', 'not-running']);
  if (record.hostConfig.AutoRemove) await removeContainer(parts, container, { volumes: true });
  else await parts.files.save(container);
  throw failed.error;
}

async function begin(parts: Parts, container: Container, watch: StartWatch | undefined): Promise<{ running: Running; warnings: readonly string[] }> {
  const { record } = container;
  const prepared = await prepareStart(parts, container, watch);
  const { connection, plan } = prepared;
  let failed = false;
  try {
    const started = await apply(start(plan), { kernel: parts.kernel, ...watch?.options });
    const warnings = [...prepared.warnings, ...started.warnings];
    return {
      warnings,
      running: {
        process: started.process.record,
        cgroupPath: started.cgroup.path,
        warnings,
        namespaces: plan.spec.linux.namespaces.map((n) => n.type).concat(plan.network ? ['network'] : []),
        ...(connection ? { endpoint: { address: connection.endpoint.address, hostInterface: connection.endpoint.hostInterface } } : {}),
        ports: connection?.ports ?? [],
        handle: started.process,
        cgroup: started.cgroup,
        output: new OutputHub(
          started.process.streams,
          openLog(parts.files.logDirectory(container), logLimits(record.hostConfig.LogConfig).limits, parts.report),
        ),
      },
    };
  } catch (error) {
    failed = true;
    if (connection) parts.networking.disconnect(container.id, connection);
    throw error;
  } finally {
    // The process is in the namespace by now, or nobody will be.
    if (typeof connection?.namespace === 'number' && !(failed && connection.inView)) closeSync(connection.namespace);
  }
}

/** Takes a running process into the engine's hands: of a start, or of an engine that was here before. */
export function adopt(parts: Parts, container: Container, running: Running): void {
  container.running = running;
  container.attachments.started(running.output);
  const stopWatching = watchHealth(parts, container);
  void running.handle.exited
    .then((status) => {
      stopWatching();
      // As it is by then: an update may have taken it to more hierarchies.
      return container.exclusive(() => ended(parts, container, container.running ?? running, status));
    })
    .catch((error: unknown) => parts.report(`the end of container ${container.record.name}: ${String(error)}`));
}

/** The process has ended: its output is read to the end, what it had is given back, and whoever waits is told. */
async function ended(parts: Parts, container: Container, running: Running, status: ExitStatus): Promise<void> {
  const { record } = container;
  // It has ended, whatever becomes of what it had: who waits must hear of it.
  const orReport = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    const of = `container ${record.name}: ${what}`;
    await insist(of, parts.report, work).catch((error: unknown) => parts.report(`${of}: ${String(error)}`));
  };
  // Without a PID namespace of its own, children may live on.
  if (!running.namespaces.includes('pid')) await orReport('ending its other processes', () => apply(killAll(running.cgroup), { kernel: parts.kernel }));
  await Promise.race([running.output.drained, new Promise((resolve) => setTimeout(resolve, drainTimeout).unref())]);
  running.output.close();
  running.handle.release();
  endExecs(parts, container);
  const oomKilled = status.signal === 9 && oomKills(running.cgroup) > 0;
  await orReport('removing its cgroup', () => apply(removeCgroup(running.cgroup), { kernel: parts.kernel }));
  if (running.endpoint) parts.networking.disconnect(container.id, { endpoint: running.endpoint, ports: running.ports });
  container.running = undefined;
  Object.assign(record.state, { status: 'exited', exitCode: status.code, oomKilled, finishedAt: rfc3339(now()) });
  parts.files.removeRunning(container.id);
  if (oomKilled) announce(parts, container, 'oom');
  announce(parts, container, 'die', { exitCode: String(status.code) });

  if (record.hostConfig.AutoRemove) {
    container.settle(['next-exit', 'not-running']);
    await removeContainer(parts, container, { volumes: true });
    return;
  }
  const restarts = scheduleRestart(parts, container, () => startContainer(parts, container));
  container.settle(restarts ? ['next-exit'] : ['next-exit', 'not-running']);
  await parts.files.save(container);
}
