/** The operations on images, as the API has them: the image store's, with its errors as answers, and events. */
import { Readable } from 'node:stream';
import type { ImageInspect } from '../api/schema.ts';
import { familiarName, nameFor } from '../image/reference.ts';
import type { ImportedImage } from '../image/import.ts';
import type { Removal } from '../image/remove.ts';
import type { Container } from './container.ts';
import { commitContainer } from './commit-container.ts';
import type { ImageOperations } from './engine.ts';
import type { Parts } from './parts.ts';
import { answering, engineErrorOf } from './storage-failure.ts';

/** @see ImageOperations */
export function imageOperations(parts: Parts): ImageOperations {
  const { images, events } = parts;
  const announce = (action: string, id: string, name: string = id): void => events.publish('image', action, id, { name });
  /** Removes images and announces what became of them. */
  const removing = async <T>(remove: () => Promise<T>, removalsOf: (result: T) => readonly Removal[]): Promise<T> => {
    const ids = new Map(images.list().flatMap(({ Id, RepoTags }) => [Id, ...RepoTags].map((name) => [name, Id] as const)));
    const result = await remove();
    for (const removal of removalsOf(result)) {
      if ('Untagged' in removal) announce('untag', ids.get(removal.Untagged) ?? removal.Untagged, removal.Untagged);
      // Layers are listed too; they are no images.
      else if (ids.has(removal.Deleted)) announce('delete', removal.Deleted);
    }
    return result;
  };

  return {
    list: ({ all, filters }) =>
      answering('list the images', () => {
        const used = containersByImage(parts.containers.all());
        return images.list({ all, filters }).map((image) => ({ ...image, Containers: used.get(image.Id) ?? 0 }));
      }),
    inspect: (ref) => answering<ImageInspect>(`inspect the image ${ref}`, async () => images.inspect((await parts.resolveImage(ref)).id)),
    history: (ref) => answering(`read the history of ${ref}`, async () => images.history((await parts.resolveImage(ref)).id)),
    remove: (ref, { force }) =>
      answering(`remove the image ${ref}`, () =>
        removing(
          () => images.remove(ref, { force }),
          (removals) => removals,
        ),
      ),
    tag: (ref, repository, tag) =>
      answering(`tag the image ${ref}`, async () => {
        const { id } = await parts.resolveImage(ref);
        await images.tag(id, repository, tag);
        announce('tag', id, familiarName(nameFor(repository, tag)));
      }),
    async *load(archive) {
      let loaded: ImportedImage[];
      try {
        loaded = await images.import(bytesOf(archive), { archivesOnly: true });
      } catch (error) {
        throw engineErrorOf(error, 'load the archive');
      }
      for (const { id, names } of loaded) {
        announce('load', id);
        if (names.length === 0) yield { stream: `Loaded image ID: ${id}\n` };
        for (const name of names) yield { stream: `Loaded image: ${familiarName(name)}\n` };
      }
    },
    import: (archive, { repository, tag, message, changes }) =>
      answering('import the archive', async () => {
        const imported = await images.import(archive instanceof Readable ? bytesOf(archive) : archive, {
          changes,
          ...(repository ? { name: nameFor(repository, tag) } : {}),
          ...(message ? { message } : {}),
        });
        for (const { id } of imported) announce('import', id);
        return { Id: imported[0]?.id ?? '', RepoTags: imported.flatMap(({ names }) => names.map(familiarName)) };
      }),
    save: (refs) =>
      answering(`save ${refs.join(', ')}`, async () => {
        const ids = await Promise.all(refs.map(async (ref) => (await parts.resolveImage(ref)).id));
        const tar = Readable.from(images.save(refs), { objectMode: false });
        for (const id of new Set(ids)) announce('save', id);
        return tar;
      }),
    commit: (container, options) => answering(`commit the container ${container}`, () => commitContainer(parts, parts.containers.find(container), options)),
    prune: (filters) =>
      answering('prune the images', () =>
        removing(
          () => images.prune(filters),
          (pruned) => pruned.ImagesDeleted,
        ),
      ),
  };
}

/** A stream as nothing but its bytes: some streams have a path too, which would be taken for the archive's. */
async function* bytesOf(stream: Readable): AsyncGenerator<Uint8Array> {
  yield* stream as AsyncIterable<Uint8Array>;
}

function containersByImage(containers: readonly Container[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { record } of containers) counts.set(record.image.id, (counts.get(record.image.id) ?? 0) + 1);
  return counts;
}
