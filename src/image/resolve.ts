/** From what a person wrote to an image: an id or a prefix of one, a name, or a name with a digest. */
import { StorageError, invalid } from '../storage/error.ts';
import { familiarName, fullName, idPrefixOf, parseReference, repositoryOf } from './reference.ts';
import type { ImageStore, StoredImage } from './store.ts';

/**
 * Finds an image. A name counts before an id that begins with the same letters, as with Docker.
 * @throws StorageError `not-found`, or `invalid` when it is no reference, or a prefix that fits several images
 */
export function resolveImage(store: ImageStore, ref: string): StoredImage {
  const images = store.images();
  const named = /^sha256:|^[0-9a-f]{64}$/.test(ref) ? undefined : findByName(images, ref);
  if (named) return named;
  const prefix = idPrefixOf(ref);
  const fitting = prefix === undefined ? [] : images.filter((i) => i.id.startsWith(`sha256:${prefix}`));
  if (fitting.length > 1) throw invalid(`${JSON.stringify(ref)} fits ${fitting.length} images: give more of the id`);
  if (fitting[0]) return fitting[0];
  throw new StorageError('not-found', `No such image: ${noSuchName(ref)}`);
}

function findByName(images: readonly StoredImage[], ref: string): StoredImage | undefined {
  let reference;
  try {
    reference = parseReference(ref);
  } catch (error) {
    if (idPrefixOf(ref) !== undefined) return undefined;
    throw error;
  }
  const { digest } = reference;
  if (digest === undefined) return images.find((i) => i.names.includes(fullName(reference)));
  const repository = repositoryOf(reference);
  return images.find((i) => (i.descriptor.digest === digest || i.id === digest) && i.names.some((n) => n.startsWith(`${repository}:`)));
}

function noSuchName(ref: string): string {
  const reference = idPrefixOf(ref) === undefined || !/^sha256:|^[0-9a-f]{12,}$/.test(ref) ? parseReference(ref) : undefined;
  return reference === undefined || reference.digest !== undefined ? ref : familiarName(fullName(reference));
}

/** Whether what a person wrote is (part of) this image's id and none of its names. */
export function isIdOf(image: StoredImage, ref: string): boolean {
  const prefix = idPrefixOf(ref);
  if (prefix === undefined || !image.id.startsWith(`sha256:${prefix}`)) return false;
  return /^sha256:|^[0-9a-f]{64}$/.test(ref) || !image.names.includes(fullName(parseReference(ref)));
}
