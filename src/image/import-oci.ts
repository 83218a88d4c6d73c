/**
 * Images in an OCI layout (image-spec, image-layout.md), unpacked or as a tar archive: made by skopeo, umoci, buildah,
 * podman, BuildKit, or by `docker save` since Docker 25. Of an image for several platforms, this machine's is taken.
 */
import { digestOf, hexOf, type Digest } from '../storage/digest.ts';
import { invalid } from '../storage/error.ts';
import { requireLayoutVersion } from '../storage/content.ts';
import { imageNameAnnotation, indexMediaType, refNameAnnotation } from '../storage/references.ts';
import type { ArchiveFiles } from './archive.ts';
import { maximumConfigBytes } from './config.ts';
import type { ImageSource } from './ingest.ts';
import { isIndexType, isManifestType, maximumManifestBytes, parseManifest, type Descriptor } from './manifest.ts';
import { canRun, choosePlatform } from './platform.ts';
import { defaultTag, fullName, parseReference } from './reference.ts';

/** Indexes may hold indexes; honest ones do it once. */
const maximumDepth = 4;

/** Whether the archive is an OCI layout. */
export const isOciLayout = (files: ArchiveFiles): boolean => files.has('oci-layout') && files.has('index.json');

/**
 * The images in a layout that are for this machine.
 * @throws StorageError (invalid) when the layout is damaged, or holds none for this machine
 */
export function readOciLayout(files: ArchiveFiles): ImageSource[] {
  requireLayoutVersion(files.read('oci-layout', 4096), `${files.name}: oci-layout`);
  const index = parseManifest(files.read('index.json', maximumManifestBytes), `${files.name}: index.json`, undefined);
  if (!('manifests' in index)) throw invalid(`${files.name}: index.json is no index of images`);
  const entries = index.manifests.filter((d) => !isAttestation(d));
  if (entries.length === 0) throw invalid(`${files.name} holds no image`);

  const byName = Map.groupBy(entries, nameOf);
  const chosen: { descriptor: Descriptor; names: string[] }[] = [];
  for (const [name, group] of byName) {
    const label = name ?? files.name;
    // Without names, several entries are one image for several platforms, or several images for this one.
    const fitting = name === undefined ? group.filter((d) => !d.platform || canRun(d.platform)) : [];
    for (const descriptor of fitting.length ? fitting : [choosePlatform(group, label)]) {
      const same = chosen.find((c) => c.descriptor.digest === descriptor.digest);
      if (same && name !== undefined) same.names.push(name);
      else if (!same) chosen.push({ descriptor, names: name === undefined ? [] : [name] });
    }
  }
  return chosen.map(({ descriptor, names }) => readImage(files, descriptor, names));
}

/** What BuildKit stores beside an image about how it was built. */
const isAttestation = (d: Descriptor): boolean => d.platform?.os === 'unknown' || d.annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';

/**
 * The full name that an entry carries. containerd's and Docker's annotation is a full name; the layout's own is whatever
 * its maker typed: `skopeo copy … oci:DIR:latest` names a tag of nothing, which is no name.
 */
function nameOf({ annotations = {} }: Descriptor): string | undefined {
  const own = annotations[refNameAnnotation];
  const text = annotations[imageNameAnnotation] ?? (own === defaultTag ? undefined : own);
  return text === undefined || text === '' ? undefined : fullName(parseReference(text));
}

function readImage(files: ArchiveFiles, descriptor: Descriptor, names: string[]): ImageSource {
  const name = names[0] ?? `the image ${descriptor.digest}`;
  const { bytes, mediaType } = findManifest(files, descriptor, name, 0);
  const parsed = parseManifest(bytes, `${name}: the manifest`, mediaType);
  if (!('manifest' in parsed)) throw invalid(`${name}: the manifest is an index`);
  const { manifest } = parsed;
  return {
    name,
    names,
    config: readBlob(files, manifest.config, `${name}: the configuration`, maximumConfigBytes),
    manifest: { bytes, mediaType: manifest.mediaType },
    layers: manifest.layers.map((layer) => ({ region: files.region(blobFile(layer.digest)), descriptor: layer })),
  };
}

/** Follows indexes to the manifest for this machine. */
function findManifest(files: ArchiveFiles, descriptor: Descriptor, name: string, depth: number): { bytes: Buffer; mediaType: string } {
  if (depth > maximumDepth) throw invalid(`${name}: its indexes are nested deeper than ${maximumDepth}`);
  const { mediaType } = descriptor;
  if (!isIndexType(mediaType) && !isManifestType(mediaType))
    throw invalid(`${name} has the media type ${JSON.stringify(mediaType)}, which is not a container image`);
  const bytes = readBlob(files, descriptor, `${name}: the ${mediaType === indexMediaType ? 'index' : 'manifest'}`, maximumManifestBytes);
  if (isManifestType(mediaType)) return { bytes, mediaType };
  const index = parseManifest(bytes, `${name}: the index`, mediaType);
  if (!('manifests' in index)) throw invalid(`${name}: the index holds no list of manifests`);
  return findManifest(
    files,
    choosePlatform(
      index.manifests.filter((d) => !isAttestation(d)),
      name,
    ),
    name,
    depth + 1,
  );
}

const blobFile = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`;

/** A small blob, checked against its descriptor. */
function readBlob(files: ArchiveFiles, { digest, size }: Descriptor, name: string, limit: number): Buffer {
  const bytes = files.read(blobFile(digest), limit);
  if (bytes.length !== size) throw invalid(`${name} has ${bytes.length} bytes, not ${size} as its descriptor says: the archive is damaged`);
  const actual = digestOf(bytes);
  if (actual !== digest) throw invalid(`${name}: the digest is ${actual}, not ${digest} as its descriptor says: the archive is damaged or forged`);
  return bytes;
}
