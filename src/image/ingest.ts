/**
 * An image's way into the store: its layers are read, checked and extracted, several at a time; then its configuration
 * and manifest are stored, and last its names. Whatever fails on the way, nothing of it stays.
 */
import { readableJson } from '../storage/atomic.ts';
import { chainIds, digestOf, type Digest } from '../storage/digest.ts';
import { StorageError, invalid } from '../storage/error.ts';
import type { ExtractTarget, Region, UnpackResult } from '../storage/layer-unpack.ts';
import { makeLayerRoot, type Layer } from '../storage/layers.ts';
import type { Lease } from '../storage/leases.ts';
import { maximumConfigBytes, parseConfiguration, type ImageConfiguration } from './config.ts';
import { configMediaType, layerMediaType, manifestMediaType, parseManifest, type Descriptor } from './manifest.ts';
import { canRun, wrongPlatform } from './platform.ts';
import type { ImageStore } from './store.ts';

/** A layer to be stored. */
export interface LayerSource {
  readonly region: Region;
  /** What an OCI manifest says of it; unknown in `docker save` archives. */
  readonly descriptor?: Descriptor;
}

/** An image as an archive has it. */
export interface ImageSource {
  /** What messages call it. */
  readonly name: string;
  /** The configuration, byte for byte: its digest is the image's id. */
  readonly config: Uint8Array;
  /** The manifest, byte for byte; absent where the archive has none of OCI's, so that one is made. */
  readonly manifest?: { readonly bytes: Uint8Array; readonly mediaType: string };
  /** Lowest first. */
  readonly layers: readonly LayerSource[];
  /** Full names. */
  readonly names: readonly string[];
}

/** The leases of an import under way. */
export interface ImportLease {
  readonly blobs: Lease;
  readonly layers: Lease;
}

/**
 * Runs an import: what it stores is safe from garbage collection until it ends, and collected when it fails.
 */
export async function underLease<T>(store: ImageStore, work: (lease: ImportLease) => Promise<T>): Promise<T> {
  const lease = { blobs: store.content.leases.begin(), layers: store.layers.leases.begin() };
  try {
    return await work(lease);
  } catch (error) {
    lease.blobs.release();
    lease.layers.release();
    await store.collect();
    throw error;
  } finally {
    lease.blobs.release();
    lease.layers.release();
  }
}

/**
 * Stores an image and gives it its names.
 * @returns its id
 * @throws StorageError (invalid) when it is damaged, forged or for another platform
 */
export async function ingestImage(store: ImageStore, source: ImageSource, lease: ImportLease): Promise<Digest> {
  if (source.config.length > maximumConfigBytes)
    throw invalid(`${source.name}: the configuration has ${source.config.length} bytes; at most ${maximumConfigBytes} are read`);
  const configuration = parseConfiguration(source.config, `${source.name}: the configuration`);
  if (!canRun(configuration)) throw wrongPlatform(source.name, [configuration]);
  const count = configuration.rootfs.diff_ids.length;
  if (count !== source.layers.length) throw invalid(`${source.name} is damaged: its configuration has ${count} layers, its manifest ${source.layers.length}`);

  const id = digestOf(source.config);
  lease.blobs.hold(id);
  const existing = completeImage(store, id);
  if (existing) {
    for (const name of source.names) await store.references.set(existing, name);
    return id;
  }
  const layers = await ingestLayers(store, source, configuration, lease);
  await store.content.put(source.config);
  const manifest = source.manifest ?? makeManifest(id, source.config.length, layers);
  await nameManifest(store, manifest, configuration, source.names, lease);
  return id;
}

/** The image that the store has under this id, if all of it is there. */
function completeImage(store: ImageStore, id: Digest): Descriptor | undefined {
  const image = store.images().find((i) => i.id === id);
  const whole = image && image.chain.every((c) => store.layers.get(c)) && image.manifest.layers.every((l) => store.content.has(l.digest));
  return whole ? image.descriptor : undefined;
}

/** The layers of an image, at the same time; the first failure stops the others. */
async function ingestLayers(store: ImageStore, source: ImageSource, configuration: ImageConfiguration, lease: ImportLease): Promise<Descriptor[]> {
  const diffIds = configuration.rootfs.diff_ids;
  const chain = chainIds(diffIds);
  for (const id of chain) lease.layers.hold(id);
  const stop = new AbortController();
  let failure: unknown;
  const made: Promise<Layer>[] = [];
  const stored = source.layers.map((layer, i) => {
    const plan = { chainId: chain[i]!, diffId: diffIds[i]!, ...(i === 0 ? {} : { parent: chain[i - 1]! }) };
    const name = `${source.name}: layer ${i + 1} of ${diffIds.length}`;
    return ingestLayer(store, name, layer, plan, made, lease, stop.signal).catch((error: unknown) => {
      failure ??= error; // what the others say then is only that they were stopped
      stop.abort();
      return undefined;
    });
  });
  const descriptors = await Promise.all(stored);
  if (failure !== undefined) throw failure;
  return descriptors.filter((d) => d !== undefined);
}

interface Plan {
  readonly chainId: Digest;
  readonly diffId: Digest;
  readonly parent?: Digest;
}

/**
 * One layer into content and layers.
 * @param made the extractions of this image so far, lowest first; this one is added
 */
async function ingestLayer(
  store: ImageStore,
  name: string,
  source: LayerSource,
  plan: Plan,
  made: Promise<Layer>[],
  lease: ImportLease,
  signal: AbortSignal,
): Promise<Descriptor> {
  const below = made.at(-1);
  const expected = source.descriptor;
  const known = expected?.digest ?? plan.diffId; // a layer that is not compressed has its diff id as digest
  if (expected && expected.size !== source.region.size)
    throw invalid(`${name} has ${source.region.size} bytes, not ${expected.size} as the manifest says: the archive is damaged`);
  lease.blobs.hold(known);
  const copyTo = store.content.has(known) ? undefined : store.content.temporary();
  let result: UnpackResult | undefined;
  const unpack = async (extract?: ExtractTarget): Promise<UnpackResult | undefined> =>
    (result = await store.pool.unpack(
      {
        name,
        source: source.region,
        expect: { diffId: plan.diffId, ...(expected ? { digest: expected.digest } : {}) },
        ...(copyTo === undefined ? {} : { copyTo }),
        ...(extract ? { extract } : {}),
      },
      signal,
    ));

  const making = store.layers.make(plan, below, async (directory) => {
    // At the same time as the layers below, unless it turns out that it needs them.
    const lower = plan.parent === undefined ? [] : store.layers.get(plan.parent) && store.layers.lowerDirs(plan.parent);
    if (!(await unpack({ directory, ...(lower ? { lower } : {}) }))) {
      await below;
      await store.pool.remove(directory);
      makeLayerRoot(directory);
      if (copyTo !== undefined) await store.content.discard(copyTo);
      await unpack({ directory, lower: store.layers.lowerDirs(plan.parent!) });
    }
    return result!.size;
  });
  made.push(making);
  try {
    await making;
    // The layer was there, or another import made it: what is left to do is to keep and check the bytes.
    if (!result && copyTo !== undefined) await unpack();
    if (!result) return expected ?? { mediaType: layerMediaType('none'), digest: known, size: store.content.sizeOf(known) ?? 0 };
    lease.blobs.hold(result.digest);
    if (copyTo !== undefined) await store.content.adopt(copyTo, result.digest);
    return expected ?? { mediaType: layerMediaType(result.compression), digest: result.digest, size: source.region.size };
  } finally {
    if (copyTo !== undefined) await store.content.discard(copyTo);
  }
}

/** An OCI manifest for an image that has none. */
export function makeManifest(config: Digest, configSize: number, layers: readonly Descriptor[]): { bytes: Uint8Array; mediaType: string } {
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestMediaType,
    config: { mediaType: configMediaType, digest: config, size: configSize },
    layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
  };
  return { bytes: Buffer.from(readableJson(manifest)), mediaType: manifestMediaType };
}

/** Stores a manifest, whose blobs are there, and makes it an image, with names or without. */
export async function nameManifest(
  store: ImageStore,
  manifest: { readonly bytes: Uint8Array; readonly mediaType: string },
  configuration: ImageConfiguration,
  names: readonly string[],
  lease: ImportLease,
): Promise<void> {
  const parsed = parseManifest(manifest.bytes, 'the manifest', manifest.mediaType);
  if (!('manifest' in parsed)) throw new StorageError('invalid', 'an index of images is no image');
  lease.blobs.hold(digestOf(manifest.bytes));
  const digest = await store.content.put(manifest.bytes);
  const { os, architecture, variant } = configuration;
  const descriptor = {
    mediaType: parsed.manifest.mediaType,
    digest,
    size: manifest.bytes.length,
    platform: { os, architecture, ...(variant ? { variant } : {}) },
  };
  // The same configuration under another manifest (its layers compressed otherwise, or lost and now here again) is the same image.
  const others = store.images().filter((i) => i.id === parsed.manifest.config.digest && i.descriptor.digest !== digest);
  const all = [...others.flatMap((i) => i.names), ...names];
  for (const name of all.length ? all : [undefined]) await store.references.set(descriptor, name);
  if (others.length) await store.references.remove(new Set(others.map((i) => i.descriptor.digest)));
}
