/** The hooks around a container's start: `startContainer` before its program, in the container, and `poststart` after it. */
import { perform } from '../kernel/perform.ts';
import { killProcess } from '../kernel/process.ts';
import { apply } from '../step/apply.ts';
import type { ContainerRecord } from './container-record.ts';
import { runAllHooks, runHooks } from './hooks.ts';
import type { Settings } from './settings.ts';
import type { ClaimedStart } from './start-gate.ts';
import type { StateStore } from './state-store.ts';
import { readStoredSpec } from './stored-spec.ts';

/**
 * Starts a container that has hooks. One of `startContainer` that fails ends the container; one of `poststart` is a warning.
 * @throws HookError
 */
export async function startWithHooks(
  record: ContainerRecord,
  claimed: ClaimedStart,
  store: StateStore,
  { log, kernel = { call: perform } }: Settings,
): Promise<void> {
  const spec = readStoredSpec(store.directory(record.id));
  const process = record.process!;
  try {
    await apply(runHooks('startContainer', { spec, record, status: 'created', pid: process.pid }), { kernel });
  } catch (error) {
    claimed.close();
    killProcess(process);
    throw error;
  }
  claimed.release();
  for (const failure of await apply(runAllHooks('poststart', { spec, record, status: 'running', pid: process.pid }), { kernel })) log.warn(failure);
}
