/**
 * Recovery: an engine that starts finds the containers of the one before. Those that run are taken up again; those that
 * ended meanwhile are given their end; what belongs to nobody (a start that was cut off half-way) is taken away.
 */
import { constants } from 'node:os';
import { closeSync, readdirSync, rmdirSync } from 'node:fs';
import { findCgroup } from '../runtime/cgroup/cgroup.ts';
import { killAll } from '../runtime/cgroup/kill.ts';
import { removeCgroup } from '../runtime/cgroup/remove.ts';
import { findMonitors, recoverProcess } from '../runtime/process.ts';
import { openProcess, signalProcess, processStat } from '../kernel/process.ts';
import { apply } from '../step/apply.ts';
import type { Container, Running, RunningRecord } from './container.ts';
import { logLimits, openLog } from './logs.ts';
import { OutputHub } from './output-hub.ts';
import type { Parts } from './parts.ts';
import { isAnonymous, removeContainer } from './remove-container.ts';
import { wantsRestart } from './restart-policy.ts';
import { adopt, startContainer } from './start-container.ts';
import { now, rfc3339 } from './time.ts';

/** Takes up what an earlier engine left. Containers are in the index and answer when this resolves. */
export async function recover(parts: Parts): Promise<void> {
  const loaded = parts.files.load(parts.report);
  for (const { container } of loaded) parts.containers.add(container);
  const taken = loaded.flatMap(({ container, running }) => {
    const up = running && takeUp(parts, container, running);
    return up ? [{ container, running: up }] : [];
  });
  // The network first: what a container publishes is lost for as long as its table is not there.
  await parts.networking.recover(
    taken.flatMap(({ container, running }) => (running.endpoint ? [{ id: container.id, endpoint: running.endpoint, ports: running.ports }] : [])),
  );
  for (const { container, running } of taken) adopt(parts, container, running);

  const monitors = new Set(taken.map(({ running }) => running.handle.record.monitor.pid));
  await endStrangers(parts, monitors);
  await removeStrayCgroups(parts);
  await removeStrays(parts);
  for (const { container, running } of loaded) if (running && !container.running) await endedMeanwhile(parts, container);
  for (const container of parts.containers.all()) restartAfterBoot(parts, container);
}

function takeUp(parts: Parts, container: Container, record: RunningRecord): Running | undefined {
  const handle = recoverProcess(record.process);
  const cgroup = parts.cgroups.find(record.cgroupPath);
  if (!handle || !cgroup) return undefined;
  return {
    ...record,
    handle,
    cgroup,
    output: new OutputHub(handle.streams, openLog(parts.files.logDirectory(container), logLimits(container.record.hostConfig.LogConfig).limits, parts.report)),
  };
}

/** Monitors of ours that no container has: of a start that was cut off, or of an exec, whose client is gone. */
async function endStrangers(parts: Parts, known: ReadonlySet<number>): Promise<void> {
  const others = (): number[] =>
    readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && !known.has(pid));
  const monitors = new Set(findMonitors(parts.settings.run, others()).map(({ pid }) => pid));
  if (monitors.size === 0) return;
  // Stopped first: one that was cut off before its clone must not make a child behind our back.
  for (const pid of monitors) sendSignal(pid, constants.signals.SIGSTOP);
  await settled(() => [...monitors].every((pid) => ['T', 'Z', undefined].includes(processStat(pid)?.state)));
  const children = others().filter((pid) => monitors.has(processStat(pid)?.parent ?? 0));
  for (const pid of [...children, ...monitors]) sendSignal(pid, constants.signals.SIGKILL);
  await settled(() => [...children, ...monitors].every((pid) => ['Z', undefined].includes(processStat(pid)?.state)));
}

function sendSignal(pid: number, signal: number): void {
  const stat = processStat(pid);
  const pidfd = stat && openProcess({ pid, startTime: stat.startTime });
  if (pidfd === undefined) return;
  signalProcess(pidfd, signal);
  closeSync(pidfd);
}

/** Waits until something holds of processes that are not our children, for two seconds at most. */
async function settled(holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1000 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** Cgroups below ours that belong to no container that runs: their processes end. */
async function removeStrayCgroups(parts: Parts): Promise<void> {
  const running = new Set(
    parts.containers
      .all()
      .filter((c) => c.running)
      .map((c) => c.id),
  );
  const parents = new Set(parts.layout.hierarchies.map((h) => `${h.mountPoint}${parts.cgroups.parent}`));
  const stray = new Set([...parents].flatMap(directoriesIn).filter((name) => /^[0-9a-f]{64}$/.test(name) && !running.has(name)));
  for (const id of stray) {
    const cgroup = findCgroup(parts.layout, `${parts.cgroups.parent}/${id}`);
    if (!cgroup) continue;
    await apply(killAll(cgroup), { kernel: parts.kernel });
    await apply(removeCgroup(cgroup), { kernel: parts.kernel }).catch((error: unknown) => parts.report(String(error)));
  }
}

function directoriesIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((e) => e.isDirectory())
      .map((e) => e.name);
  } catch {
    return [];
  }
}

/** Layers and run directories without a container, and volumes of a creation that did not come to its record. */
async function removeStrays(parts: Parts): Promise<void> {
  const known = new Set(parts.containers.all().map((c) => c.id));
  parts.files.removeStrays(known);
  const layers = new Set(parts.snapshots.list());
  for (const id of layers) if (!known.has(id)) await parts.snapshots.remove(id);
  // A removal that did not come to its end: all that it can be is removed, as in Docker.
  for (const { id, record, running } of parts.containers.all()) if (!running && !layers.has(id)) record.state.status = 'dead';
  // One that was left by its container on purpose holds something, or is no loss.
  for (const { Name, Mountpoint } of parts.volumes.list()) {
    if (isAnonymous(parts, Name) && readdirSync(Mountpoint).length === 0) await parts.volumes.remove(Name).catch(() => undefined);
  }
}

/** A container that ran when the engine ended and does not run now: its monitor could not keep its status. */
async function endedMeanwhile(parts: Parts, container: Container): Promise<void> {
  const { state, hostConfig } = container.record;
  Object.assign(state, { status: 'exited', exitCode: 137, finishedAt: rfc3339(now()), error: 'it ended while no engine was there to see how' });
  parts.files.removeRunning(container.id);
  if (hostConfig.AutoRemove) await container.exclusive(() => removeContainer(parts, container, { volumes: true }));
  else await parts.files.save(container);
}

/** After a reboot (or the end of an engine with its containers) policies bring containers back. */
function restartAfterBoot(parts: Parts, container: Container): void {
  const { state, hostConfig } = container.record;
  if (container.running || state.status === 'created') return;
  const always = hostConfig.RestartPolicy?.Name === 'always';
  if (!always && !wantsRestart(container)) return;
  void container
    .exclusive(() => startContainer(parts, container))
    .catch((error: unknown) => parts.report(`container ${container.record.name}: ${String(error)}`));
}

/** Removes the parents of the containers' cgroups, where nothing is in them any more. */
export function removeCgroupParents(parts: Parts): void {
  for (const { mountPoint } of parts.layout.hierarchies) {
    let path = parts.cgroups.parent;
    while (path.length > 1) {
      try {
        rmdirSync(`${mountPoint}${path}`);
      } catch {
        break; // in use, or not there
      }
      path = path.slice(0, path.lastIndexOf('/'));
    }
  }
}
