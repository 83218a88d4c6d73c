/**
 * Removing images, with Docker's rules: a name is taken away; the image goes with its last name; what a container
 * uses stays unless forced, and what a running container uses stays.
 */
import type { Digest } from '../storage/digest.ts';
import { StorageError } from '../storage/error.ts';
import { imageFilter, parseBoolean, type Filters } from './list.ts';
import { familiarName, fullName, parseReference } from './reference.ts';
import { isIdOf, resolveImage } from './resolve.ts';
import type { ImageStore, StoredImage } from './store.ts';

/** A container that was made from an image. */
export interface ImageUser {
  readonly id: string;
  readonly running: boolean;
}

/** What was done: a name taken away, or an image (its id) or layer (its chain id) deleted. */
export type Removal = { Untagged: string } | { Deleted: string };

const short = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

const conflict = (image: StoredImage, how: 'must be forced' | 'cannot be forced', why: string): StorageError =>
  new StorageError('conflict', `conflict: unable to delete ${short(image.id)} (${how}) - ${why}`);

/**
 * Removes a name, and the image when it was the last, or an image by its id with all its names.
 * @param force take all names of an image that has them in several repositories; remove what a stopped container uses
 * @throws StorageError `not-found`, or `conflict` naming the container or the names in the way; then nothing is changed
 */
export async function removeImage(store: ImageStore, ref: string, force: boolean, usedBy: (id: Digest) => readonly ImageUser[]): Promise<Removal[]> {
  const image = resolveImage(store, ref);
  const users = usedBy(image.id);
  if (isIdOf(image, ref)) {
    requireUnused(image, users, force);
    const repositories = new Set(image.names.map((n) => n.slice(0, n.lastIndexOf(':'))));
    if (repositories.size > 1 && !force)
      throw conflict(image, 'must be forced', `image is referenced in multiple repositories: ${image.names.map(familiarName).join(', ')}`);
    return [...untagged(image.names), ...(await deleteImages(store, [image])).removed];
  }

  // By digest: every name in that repository is meant.
  const reference = parseReference(ref);
  const names = reference.digest === undefined ? [fullName(reference)] : image.names.filter((n) => n.startsWith(`${reference.domain}/${reference.path}:`));
  const last = image.names.every((n) => names.includes(n));
  const [user] = users;
  if (last && user && !force) {
    throw new StorageError(
      'conflict',
      `conflict: unable to remove repository reference ${JSON.stringify(ref)} (must force) - container ${short(user.id)} is using its referenced image ${short(image.id)}`,
    );
  }
  if (last && !users.some((u) => u.running)) return [...untagged(names), ...(await deleteImages(store, [image])).removed];
  for (const name of names) await store.references.untag(name);
  return untagged(names);
}

const untagged = (names: readonly string[]): Removal[] => names.map((name) => ({ Untagged: familiarName(name) }));

function requireUnused(image: StoredImage, users: readonly ImageUser[], force: boolean): void {
  const running = users.find((u) => u.running);
  if (running) throw conflict(image, 'cannot be forced', `image is being used by running container ${short(running.id)}`);
  const [stopped] = users;
  if (stopped && !force) throw conflict(image, 'must be forced', `image is being used by stopped container ${short(stopped.id)}`);
}

async function deleteImages(store: ImageStore, images: readonly StoredImage[]): Promise<{ removed: Removal[]; freed: number }> {
  await store.references.remove(new Set(images.map((i) => i.descriptor.digest)));
  const { layers, freed } = await store.collect();
  return { removed: [...images.map((i) => i.id), ...layers].map((id) => ({ Deleted: id })), freed };
}

/** Removes the images without a name, or with the filter `dangling=false` all, that no container uses. */
export async function pruneImages(
  store: ImageStore,
  filters: Filters,
  usedBy: (id: Digest) => readonly ImageUser[],
): Promise<{ ImagesDeleted: Removal[]; SpaceReclaimed: number }> {
  const { dangling = ['true'], ...others } = filters;
  const onlyDangling = dangling.some((value) => parseBoolean(value, 'dangling'));
  const passes = imageFilter(store, others, ['until', 'label', 'label!']);
  const doomed = store.images().filter((i) => (!onlyDangling || i.names.length === 0) && usedBy(i.id).length === 0 && passes(i));
  const { removed, freed } = await deleteImages(store, doomed);
  return { ImagesDeleted: [...doomed.flatMap((i) => untagged(i.names)), ...removed], SpaceReclaimed: freed };
}
