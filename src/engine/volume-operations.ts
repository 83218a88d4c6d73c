/** The operations on volumes, as the API has them: the store's, with its errors as answers, and events. */
import type { VolumeInspect } from '../api/schema.ts';
import type { VolumeOperations } from './engine.ts';
import type { Parts } from './parts.ts';
import { answering } from './storage-failure.ts';

/** @see VolumeOperations */
export function volumeOperations({ volumes, events }: Pick<Parts, 'volumes' | 'events'>): VolumeOperations {
  const announce = (action: string, name: string): void => events.publish('volume', action, name, { driver: 'local' });
  return {
    list: (filters) => answering<VolumeInspect[]>('list the volumes', () => volumes.list(filters)),
    create: (body) =>
      answering<VolumeInspect>('create a volume', () => {
        const known = body.Name !== undefined && volumes.has(body.Name);
        const volume = volumes.create(body);
        if (!known) announce('create', volume.Name);
        return volume;
      }),
    inspect: (name) => answering<VolumeInspect>(`inspect the volume ${name}`, () => volumes.inspect(name)),
    remove: (name, { force }) =>
      answering(`remove the volume ${name}`, async () => {
        const known = volumes.has(name);
        await volumes.remove(name, { force });
        if (known) announce('destroy', name);
      }),
    prune: (filters) =>
      answering('prune the volumes', async () => {
        const pruned = await volumes.prune(filters);
        for (const name of pruned.VolumesDeleted) announce('destroy', name);
        return pruned;
      }),
  };
}
