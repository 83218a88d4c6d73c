/**
 * Manifests and indexes: OCI (image-spec, manifest.md and image-index.md) and Docker's schema 2, which differ in media
 * types only. What is received is kept byte for byte; this reads it, bounded, and says clearly what is wrong with it.
 */
import { parseJson } from '../storage/atomic.ts';
import type { Compression } from '../storage/compression.ts';
import { requireDigest, type Digest } from '../storage/digest.ts';
import { invalid } from '../storage/error.ts';
import { indexMediaType } from '../storage/references.ts';
import type { Platform } from './platform.ts';

export const manifestMediaType = 'application/vnd.oci.image.manifest.v1+json';
export const configMediaType = 'application/vnd.oci.image.config.v1+json';

const manifestTypes = [manifestMediaType, 'application/vnd.docker.distribution.manifest.v2+json'];
const indexTypes = [indexMediaType, 'application/vnd.docker.distribution.manifest.list.v2+json'];
const configTypes = [configMediaType, 'application/vnd.docker.container.image.v1+json'];

/** What a layer's media type says of its compression. Content decides; the type must only be known. */
const layerTypes: Readonly<Record<string, Compression>> = {
  'application/vnd.oci.image.layer.v1.tar': 'none',
  'application/vnd.oci.image.layer.v1.tar+gzip': 'gzip',
  'application/vnd.oci.image.layer.v1.tar+zstd': 'zstd',
  'application/vnd.oci.image.layer.nondistributable.v1.tar': 'none',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip': 'gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd': 'zstd',
  'application/vnd.docker.image.rootfs.diff.tar': 'none',
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd': 'zstd',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip': 'gzip',
};

/** The OCI media type of a layer that we store. */
export const layerMediaType = (compression: Compression): string => `application/vnd.oci.image.layer.v1.tar${compression === 'none' ? '' : `+${compression}`}`;

/** Registries refuse manifests above 4 MiB; so do we. */
export const maximumManifestBytes = 4 << 20;
/** Overlay's own limit of lower directories (fs/overlayfs: OVL_MAX_STACK). */
export const maximumLayers = 500;

/** Reference to a blob (image-spec, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

export interface Manifest {
  readonly mediaType: string;
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
}

/** A manifest, or an index of manifests. */
export type ManifestOrIndex = { readonly manifest: Manifest } | { readonly manifests: readonly Descriptor[] };

/**
 * Reads a manifest or an index.
 * @param name what messages call it
 * @param declared the media type of the descriptor that led here
 * @throws StorageError (invalid)
 */
export function parseManifest(bytes: Uint8Array, name: string, declared?: string): ManifestOrIndex {
  const value = object(parseJson(bytes, name), name);
  if (value['schemaVersion'] === 1) throw invalid(`${name} has the old schema 1, which is not supported: save the image again with a current tool`);
  if (value['schemaVersion'] !== 2) throw invalid(`${name} is no image manifest: its schemaVersion is ${JSON.stringify(value['schemaVersion'])}, not 2`);
  const isIndex = Array.isArray(value['manifests']);
  const mediaType = value['mediaType'] ?? declared ?? (isIndex ? indexMediaType : manifestMediaType);
  if (typeof mediaType !== 'string' || !(isIndex ? indexTypes : manifestTypes).includes(mediaType))
    throw unknownType(name, mediaType, isIndex ? 'an index of images' : 'an image manifest');
  if (declared !== undefined && declared !== mediaType) throw invalid(`${name} has the media type ${mediaType}, but is referred to as ${declared}`);
  if (isIndex) return { manifests: descriptors(value['manifests'], `${name}: manifests`) };

  const config = descriptor(value['config'], `${name}: config`);
  if (!configTypes.includes(config.mediaType)) throw unknownType(`${name}: config`, config.mediaType, 'the configuration of a container image');
  const layers = descriptors(value['layers'], `${name}: layers`);
  if (layers.length > maximumLayers) throw invalid(`${name} has ${layers.length} layers; the kernel stacks at most ${maximumLayers}`);
  for (const [i, layer] of layers.entries()) if (!(layer.mediaType in layerTypes)) throw unknownType(`${name}: layer ${i + 1}`, layer.mediaType, 'a layer');
  return { manifest: { mediaType, config, layers } };
}

export const isIndexType = (mediaType: string): boolean => indexTypes.includes(mediaType);
export const isManifestType = (mediaType: string): boolean => manifestTypes.includes(mediaType);

const unknownType = (name: string, mediaType: unknown, kind: string): Error =>
  invalid(`${name} has the media type ${JSON.stringify(mediaType)}, which is not ${kind}`);

function object(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${name} is not a JSON object`);
  return value as Record<string, unknown>;
}

function descriptors(value: unknown, name: string): Descriptor[] {
  if (!Array.isArray(value)) throw invalid(`${name} is not a list`);
  return value.map((v, i) => descriptor(v, `${name}[${i}]`));
}

function descriptor(value: unknown, name: string): Descriptor {
  const { mediaType, digest, size, annotations, platform } = object(value, name);
  if (typeof mediaType !== 'string') throw invalid(`${name} has no media type`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(`${name} has the size ${JSON.stringify(size)}, which is no number of bytes`);
  const strings = annotations === undefined || annotations === null ? undefined : stringMap(annotations, `${name}: annotations`);
  return {
    mediaType,
    digest: requireDigest(digest, name),
    size,
    ...(strings ? { annotations: strings } : {}),
    ...(platform === undefined || platform === null ? {} : { platform: parsePlatform(platform, `${name}: platform`) }),
  };
}

function parsePlatform(value: unknown, name: string): Platform {
  const { os, architecture, variant } = object(value, name);
  if (typeof os !== 'string' || typeof architecture !== 'string') throw invalid(`${name} lacks os or architecture`);
  return { os, architecture, ...(typeof variant === 'string' && variant !== '' ? { variant } : {}) };
}

/** A map of strings to strings that came from outside. */
export function stringMap(value: unknown, name: string): Record<string, string> {
  const entries = Object.entries(object(value, name));
  const bad = entries.find(([, v]) => typeof v !== 'string');
  if (bad) throw invalid(`${name}: the value of ${JSON.stringify(bad[0])} is not a string`);
  return Object.fromEntries(entries) as Record<string, string>;
}
