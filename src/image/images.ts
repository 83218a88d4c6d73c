/**
 * The images of an engine: what `docker images`, `inspect`, `history`, `tag`, `rmi`, `load`, `import`, `save` and `commit`
 * do, in Docker's shapes and with Docker's rules. Each method is one file of this folder.
 */
import type { Digest } from '../storage/digest.ts';
import type { LayerPool } from '../storage/layer-pool.ts';
import { commitImage, type CommitOptions } from './commit.ts';
import type { ImageConfig, ImageConfiguration } from './config.ts';
import { imageHistory, inspectImage, type HistoryItem, type ImageInspect } from './inspect.ts';
import { importImages, type ImportedImage, type ImportOptions, type ImportSource } from './import.ts';
import { listImages, type Filters, type ImageSummary } from './list.ts';
import { nameFor } from './reference.ts';
import { pruneImages, removeImage, type ImageUser, type Removal } from './remove.ts';
import { resolveImage } from './resolve.ts';
import { saveImages } from './save.ts';
import { ImageStore } from './store.ts';

/** What a container needs of its image. */
export interface ResolvedImage {
  readonly id: Digest;
  /** Full names. */
  readonly names: readonly string[];
  readonly configuration: ImageConfiguration;
  /** What the container inherits. */
  readonly config: ImageConfig;
  /** Chain ids of the layers, lowest first: what a container keeps, so that its layers stay. */
  readonly chain: readonly Digest[];
  /** Lower directories of the overlay mount, top first. */
  readonly lower: readonly string[];
}

/** What the engine knows and the images do not. */
export interface ImageUsers {
  /** The containers made from an image. */
  usedBy(id: Digest): readonly ImageUser[];
  /** Chain ids of the layers that containers stand on, whether their image is still here or not. */
  usedLayers(): Iterable<Digest>;
}

export class Images {
  readonly #store: ImageStore;
  readonly #users: ImageUsers;

  private constructor(store: ImageStore, users: ImageUsers) {
    this.#store = store;
    this.#users = users;
  }

  /**
   * Opens the images in `root` (`root/images`, `root/layers`), making them when they are not there.
   * @throws StorageError when the directory cannot be used, or is damaged
   */
  static async open(root: string, pool: LayerPool, users: ImageUsers): Promise<Images> {
    return new Images(await ImageStore.open(root, pool, () => users.usedLayers()), users);
  }

  /**
   * The image that a person means: an id, a prefix of one, a name, a name with a digest.
   * @throws StorageError `not-found`, or `invalid` when a prefix fits several
   */
  resolve(ref: string): ResolvedImage {
    const { id, names, configuration, chain } = resolveImage(this.#store, ref);
    const top = chain.at(-1);
    return { id, names, configuration, config: configuration.config, chain, lower: top === undefined ? [] : this.#store.layers.lowerDirs(top) };
  }

  /** Lower directories, top first, of layers that a container kept the chain ids of. */
  lowerDirs(chain: readonly Digest[]): string[] {
    const top = chain.at(-1);
    return top === undefined ? [] : this.#store.layers.lowerDirs(top);
  }

  /** @param options `all` has no effect: there are no intermediate images */
  list(options: { readonly all?: boolean; readonly filters?: Filters } = {}): ImageSummary[] {
    return listImages(this.#store, options.filters ?? {});
  }

  inspect(ref: string): ImageInspect {
    return inspectImage(this.#store, resolveImage(this.#store, ref));
  }

  history(ref: string): HistoryItem[] {
    return imageHistory(this.#store, resolveImage(this.#store, ref));
  }

  /** Gives an image another name; one that another image has moves. */
  async tag(ref: string, repository: string, tag?: string): Promise<void> {
    await this.#store.references.set(resolveImage(this.#store, ref).descriptor, nameFor(repository, tag));
  }

  /** @param options `force` as Docker's; `noPrune` has no effect: there are no parents */
  remove(ref: string, options: { readonly force?: boolean } = {}): Promise<Removal[]> {
    return removeImage(this.#store, ref, options.force ?? false, (id) => this.#users.usedBy(id));
  }

  /** @param filters `dangling` (true unless told), `until`, `label`, `label!` */
  prune(filters: Filters = {}): Promise<{ ImagesDeleted: Removal[]; SpaceReclaimed: number }> {
    return pruneImages(this.#store, filters, (id) => this.#users.usedBy(id));
  }

  /** See {@link importImages}. */
  import(source: ImportSource, options: ImportOptions = {}): Promise<ImportedImage[]> {
    return importImages(this.#store, source, options);
  }

  /** See {@link commitImage}. */
  commit(upper: string, options: CommitOptions): Promise<{ readonly id: Digest }> {
    return commitImage(this.#store, upper, options);
  }

  /** A tar archive that `docker load`, skopeo and every OCI tool read. Names that are not there fail before the first byte. */
  save(refs: readonly string[]): AsyncIterable<Uint8Array> {
    return saveImages(this.#store, refs);
  }
}
