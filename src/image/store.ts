/**
 * Where images are: their content, their names, their extracted layers, and what each manifest in it says. The
 * functions of this folder work on it; `Images` (images.ts) is what the engine talks to.
 */
import { join } from 'node:path';
import { Content } from '../storage/content.ts';
import { chainIds, type Digest } from '../storage/digest.ts';
import { StorageError } from '../storage/error.ts';
import type { LayerPool } from '../storage/layer-pool.ts';
import { Layers } from '../storage/layers.ts';
import { References, type ManifestDescriptor } from '../storage/references.ts';
import { maximumConfigBytes, parseConfiguration, type ImageConfiguration } from './config.ts';
import { maximumManifestBytes, parseManifest, type Manifest } from './manifest.ts';

/** What is known of a stored image without its names. */
export interface ImageContent {
  /** Digest of the configuration: what Docker calls the image's id. */
  readonly id: Digest;
  readonly descriptor: ManifestDescriptor;
  readonly manifest: Manifest;
  readonly configuration: ImageConfiguration;
  /** Chain ids of its layers, lowest first. */
  readonly chain: readonly Digest[];
}

/** An image with its full names, in the order they were given. */
export interface StoredImage extends ImageContent {
  readonly names: readonly string[];
}

export class ImageStore {
  readonly content: Content;
  readonly references: References;
  readonly layers: Layers;
  readonly pool: LayerPool;
  /** Chain ids of the layers that containers use. */
  readonly usedLayers: () => Iterable<Digest>;
  /** By manifest digest: content never changes, so neither does this. */
  readonly #known = new Map<Digest, ImageContent>();

  private constructor(content: Content, references: References, layers: Layers, pool: LayerPool, usedLayers: () => Iterable<Digest>) {
    this.content = content;
    this.references = references;
    this.layers = layers;
    this.pool = pool;
    this.usedLayers = usedLayers;
  }

  /**
   * Opens `root/images` and `root/layers`, making them when they are not there, and removes what a crash left behind.
   * @param usedLayers chain ids that containers use: their layers stay when the image goes
   */
  static async open(root: string, pool: LayerPool, usedLayers: () => Iterable<Digest> = () => []): Promise<ImageStore> {
    const content = Content.open(join(root, 'images'));
    const [references, layers] = await Promise.all([References.open(content.root), Layers.open(join(root, 'layers'), pool)]);
    return new ImageStore(content, references, layers, pool, usedLayers);
  }

  /** What a manifest in the store says; read and checked once. */
  describe(descriptor: ManifestDescriptor): ImageContent {
    const known = this.#known.get(descriptor.digest);
    if (known) return known;
    const name = `the manifest ${descriptor.digest}`;
    const parsed = parseManifest(this.content.read(descriptor.digest, maximumManifestBytes), name, descriptor.mediaType);
    if (!('manifest' in parsed)) throw new StorageError('invalid', `${name} is an index, where an image's manifest is expected`);
    const { manifest } = parsed;
    const id = manifest.config.digest;
    const configuration = parseConfiguration(this.content.read(id, maximumConfigBytes), `the configuration ${id}`);
    const image = { id, descriptor, manifest, configuration, chain: chainIds(configuration.rootfs.diff_ids) };
    this.#known.set(descriptor.digest, image);
    return image;
  }

  /** Every image, in the order they came. */
  images(): StoredImage[] {
    return this.references.list().map(({ manifest, names }) => ({ ...this.describe(manifest), names }));
  }

  /**
   * Removes what no image, container or import needs: blobs and layers.
   * @returns chain ids of the layers removed, and the bytes freed
   */
  async collect(): Promise<{ readonly layers: Digest[]; readonly freed: number }> {
    const images = this.images(); // an image that cannot be read stops the collection: what it needs is not known
    const { removed, freed } = await this.layers.sweep([...images.flatMap((i) => i.chain), ...this.usedLayers()]);
    const freedBlobs = await this.content.sweep(() => {
      const blobs = new Set(this.images().flatMap((i) => [i.descriptor.digest, i.id, ...i.manifest.layers.map((l) => l.digest)]));
      for (const digest of this.#known.keys()) if (!blobs.has(digest)) this.#known.delete(digest);
      return blobs;
    });
    return { layers: removed, freed: freed + freedBlobs };
  }
}
