/** Takes away what a container that has stopped still holds: processes that outlived its first, its cgroup, its record. Runs its last hooks. */
import { processes } from '../runtime/cgroup/cgroup.ts';
import { placeOf, removeContainerCgroup } from './cgroup-place.ts';
import type { Spec } from '../runtime/spec.ts';
import type { ContainerRecord } from './container-record.ts';
import { OciError } from './error.ts';
import type { Settings } from './settings.ts';
import { NoContainer, type StateStore } from './state-store.ts';

/** Removes a container, unless somebody else does at the same time. @param record of one whose first process has ended */
export async function removeContainer(record: ContainerRecord, store: StateStore, settings: Settings): Promise<void> {
  // In its caller's PID namespace a container's other processes outlive the first.
  if (processes(placeOf(record.cgroup)).length > 0) await (await import('./end-container.ts')).endOthers(record, settings.kernel);
  await removeContainerCgroup(record.cgroup, settings.kernel);
  const spec = record.hooks ? await storedSpec(record, store, settings) : undefined;
  try {
    store.remove(record.id);
  } catch (error) {
    if (error instanceof NoContainer) return; // somebody else has just done it, and runs the hooks
    throw error;
  }
  if (spec) await (await import('./last-hooks.ts')).runLastHooks(record, spec, settings);
}

async function storedSpec({ id }: ContainerRecord, store: StateStore, { log }: Settings): Promise<Spec | undefined> {
  const { readStoredSpec } = await import('./stored-spec.ts');
  try {
    return readStoredSpec(store.directory(id));
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    log.warn(`the poststop hooks of ${id} are not run: ${error.message}`);
    return undefined;
  }
}
