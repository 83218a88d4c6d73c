/** A new image from one more layer: what `import` of a root file system and `commit` of a container have in common. */
import { readableJson } from '../storage/atomic.ts';
import type { Digest } from '../storage/digest.ts';
import type { Region, UnpackResult } from '../storage/layer-unpack.ts';
import type { ImageConfiguration } from './config.ts';
import { makeManifest, type ImportLease } from './ingest.ts';
import { layerMediaType } from './manifest.ts';
import type { ImageContent, ImageStore } from './store.ts';

/** What a new image has besides its layers and history. */
export type NewConfiguration = Omit<ImageConfiguration, 'rootfs' | 'history'>;

/**
 * Stores a layer's tar, extracts it on top of another image's layers (or on nothing), and stores the configuration of the image that this makes.
 * @param region the layer, plain or compressed
 * @param base the layers below: their descriptors, diff ids and history
 * @returns the image and its manifest, which is not stored yet
 */
export async function addLayerAsImage(
  store: ImageStore,
  region: Region,
  label: string,
  configuration: NewConfiguration,
  history: { readonly comment?: string; readonly created_by?: string; readonly author?: string },
  base: ImageContent | undefined,
  lease: ImportLease,
): Promise<{ readonly id: Digest; readonly manifest: { bytes: Uint8Array; mediaType: string }; readonly configuration: ImageConfiguration }> {
  const copyTo = store.content.temporary();
  try {
    let result: UnpackResult | undefined;
    const parent = base?.chain.at(-1);
    for (const id of base?.chain ?? []) lease.layers.hold(id);
    const layer = await store.layers.makeFrom(parent, lease.layers, async (directory) => {
      result = await store.pool.unpack({
        name: label,
        source: region,
        copyTo,
        extract: { directory, lower: parent === undefined ? [] : store.layers.lowerDirs(parent) },
        expect: {},
      });
      return result!;
    });
    const { digest, compression } = result!;
    lease.blobs.hold(digest);
    await store.content.adopt(copyTo, digest);
    const full: ImageConfiguration = {
      ...configuration,
      rootfs: { type: 'layers', diff_ids: [...(base?.configuration.rootfs.diff_ids ?? []), layer.diffId] },
      history: [...(base?.configuration.history ?? []), { ...(configuration.created ? { created: configuration.created } : {}), ...history }],
    };
    const bytes = Buffer.from(readableJson(full));
    const id = await store.content.put(bytes);
    lease.blobs.hold(id);
    const descriptors = [...(base?.manifest.layers ?? []), { mediaType: layerMediaType(compression), digest, size: region.size }];
    for (const { digest: blob } of descriptors) lease.blobs.hold(blob);
    return { id, manifest: makeManifest(id, bytes.length, descriptors), configuration: full };
  } finally {
    await store.content.discard(copyTo);
  }
}
