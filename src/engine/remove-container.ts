/** Removing a container: its layer, its anonymous volumes, its files, its name. */
import { anonymousLabel } from '../storage/volumes.ts';
import type { Container } from './container.ts';
import { EngineError } from './engine.ts';
import { announce, type Parts } from './parts.ts';
import { cancelRestart } from './restart-policy.ts';
import { giveUpStepping, killContainer } from './stop-container.ts';

/** Removes a container that does not run. Call within `container.exclusive`. */
export async function removeContainer(parts: Parts, container: Container, options: { readonly volumes: boolean }): Promise<void> {
  const { record } = container;
  if (container.isRunning) throw new EngineError(409, `container ${record.name} is running: stop it first, or remove it with force`);
  cancelRestart(container);
  record.state.status = 'removing';
  await parts.snapshots.remove(container.id);
  parts.containers.remove(container);
  if (options.volumes) await removeAnonymousVolumes(parts, container);
  // Last: an engine that is cut off here finds the record again, and knows by the missing layer what was being done.
  parts.files.remove(container);
  announce(parts, container, 'destroy');
  container.settle(['next-exit', 'not-running', 'removed']);
}

/** Removes the volumes that were made for a container without a name of their own. It must not be in the index. */
export async function removeAnonymousVolumes(parts: Parts, container: Container): Promise<void> {
  for (const mount of container.record.mounts) {
    if (mount.Type !== 'volume' || !mount.Name || !isAnonymous(parts, mount.Name)) continue;
    // Another container may use it by now; then it stays.
    await parts.volumes.remove(mount.Name).catch(() => undefined);
  }
}

/** A volume without a name of its user's. */
export function isAnonymous(parts: Parts, name: string): boolean {
  return parts.volumes.has(name) && anonymousLabel in (parts.volumes.inspect(name).Labels ?? {});
}

/** `rm`, with or without `-f`. */
export async function removeOnDemand(parts: Parts, container: Container, options: { readonly force: boolean; readonly volumes: boolean }): Promise<void> {
  const { record } = container;
  if (record.state.status === 'removing') throw new EngineError(409, `removal of container ${record.name} is already in progress`);
  if (container.isRunning) {
    if (!options.force) {
      const state = record.state.status === 'paused' ? 'paused' : 'running';
      throw new EngineError(409, `cannot remove container "${record.name}": container is ${state}: stop the container before removing or force remove`);
    }
    const removed = container.wait('removed');
    await killContainer(parts, container, 'SIGKILL');
    if (record.hostConfig.AutoRemove) {
      await removed; // it does it by itself
      return;
    }
  }
  if (options.force) await giveUpStepping(container, 'removed');
  else if (container.stepping)
    throw new EngineError(409, `cannot remove container "${record.name}": a start of it waits for a decision about a step: abort that, or force remove`);
  await container.exclusive(async () => {
    // A start that was given up has removed it already where it was to be removed at its end.
    if (parts.containers.all().includes(container)) await removeContainer(parts, container, options);
  });
}
