/** The hooks after a container's end, `poststop`: what fails of them is a warning, since the container is gone all the same. */
import { perform } from '../kernel/perform.ts';
import type { Spec } from '../runtime/spec.ts';
import { apply } from '../step/apply.ts';
import type { ContainerRecord } from './container-record.ts';
import { runAllHooks } from './hooks.ts';
import type { Settings } from './settings.ts';

/** Runs the poststop hooks of a container that was removed. */
export async function runLastHooks(record: ContainerRecord, spec: Spec, { log, kernel = { call: perform } }: Settings): Promise<void> {
  for (const failure of await apply(runAllHooks('poststop', { spec, record, status: 'stopped' }), { kernel })) log.warn(failure);
}
