/** Commit: a container's changes become a layer, and with its image's layers and the container's configuration a new image. */
import { closeSync, openSync } from 'node:fs';
import type { Digest } from '../storage/digest.ts';
import { StorageError, asStorageError } from '../storage/error.ts';
import { wholeFile } from '../storage/layer-unpack.ts';
import type { IdRange } from '../storage/tar/pack.ts';
import { applyChanges } from './change.ts';
import type { ImageConfig } from './config.ts';
import { nameManifest, underLease } from './ingest.ts';
import { addLayerAsImage } from './new-image.ts';
import { thisPlatform } from './platform.ts';
import { resolveImage } from './resolve.ts';
import type { ImageStore } from './store.ts';

export interface CommitOptions {
  /** Id of the image that the container was made from; absent when it has none. */
  readonly image?: Digest;
  /** What the new image's containers inherit, before `changes`: the container's own configuration. */
  readonly config: ImageConfig;
  /** Dockerfile instructions. */
  readonly changes?: readonly string[];
  /** The command that made the changes, for the history. */
  readonly createdBy?: string;
  readonly comment?: string;
  readonly author?: string;
  /** Full name to give. */
  readonly name?: string;
  /** The ids of the container's user namespace, if it has one. */
  readonly idRange?: IdRange | undefined;
}

/**
 * Makes an image from a container's writable layer. The caller pauses the container if its changes shall be of one moment.
 * @param upper the upper directory of its overlay
 * @throws StorageError `not-found` when the container's image is not here any more, `invalid` for a bad change
 */
export async function commitImage(store: ImageStore, upper: string, options: CommitOptions): Promise<{ readonly id: Digest }> {
  const config = applyChanges(options.config, options.changes ?? []);
  const base = options.image === undefined ? undefined : resolveBase(store, options.image);
  const created = new Date().toISOString();
  const { architecture, os, variant } = base?.configuration ?? thisPlatform;
  const configuration = { created, ...(options.author ? { author: options.author } : {}), architecture, os, ...(variant ? { variant } : {}), config };
  const history = {
    ...(options.createdBy ? { created_by: options.createdBy } : {}),
    ...(options.comment ? { comment: options.comment } : {}),
    ...(options.author ? { author: options.author } : {}),
  };

  const packed = store.content.temporary();
  try {
    return await underLease(store, async (lease) => {
      const top = base?.chain.at(-1);
      await store.pool.pack(upper, top === undefined ? [] : store.layers.lowerDirs(top), packed, options.idRange);
      const fd = openSync(packed, 'r');
      try {
        const image = await addLayerAsImage(store, wholeFile(fd), "the container's changes", configuration, history, base, lease);
        await nameManifest(store, image.manifest, image.configuration, options.name === undefined ? [] : [options.name], lease);
        return { id: image.id };
      } finally {
        closeSync(fd);
      }
    });
  } catch (error) {
    throw asStorageError(error, 'commit the container');
  } finally {
    await store.content.discard(packed);
  }
}

function resolveBase(store: ImageStore, id: Digest): ReturnType<typeof resolveImage> {
  try {
    return resolveImage(store, id);
  } catch (error) {
    throw new StorageError('not-found', `the image of the container (${id}) was removed, so a new one cannot be built on it: import it again first`, error);
  }
}
