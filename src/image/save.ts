/**
 * Save: images as one tar archive that is an OCI layout and a `docker save` archive at once, as Docker 25 and later
 * write it. The blobs are in it as they are stored, so digests and ids stay.
 */
import { hexOf, type Digest } from '../storage/digest.ts';
import { imageNameAnnotation, indexMediaType, refNameAnnotation } from '../storage/references.ts';
import { BLOCK } from '../storage/tar/header.ts';
import { encodeEntry, paddingOf } from '../storage/tar/writer.ts';
import { defaultTag, familiarName, fullName, idPrefixOf, parseReference, repositoryOf } from './reference.ts';
import { isIdOf, resolveImage } from './resolve.ts';
import type { ImageStore, StoredImage } from './store.ts';

/** An image to save, with the full names that the archive shall give it. */
interface Saved {
  readonly image: StoredImage;
  readonly names: readonly string[];
}

/**
 * The archive's bytes.
 * @param refs names, each with its tag, or with all tags of its repository when none is said; ids are saved without names
 * @throws StorageError (not-found) at once, before the first byte
 */
export function saveImages(store: ImageStore, refs: readonly string[]): AsyncIterable<Uint8Array> {
  const byManifest = new Map<Digest, { image: StoredImage; names: Set<string> }>();
  for (const { image, names } of refs.flatMap((ref) => select(store, ref))) {
    const entry = byManifest.get(image.descriptor.digest) ?? { image, names: new Set() };
    byManifest.set(image.descriptor.digest, entry);
    for (const name of names) entry.names.add(name);
  }
  return archive(
    store,
    [...byManifest.values()].map(({ image, names }) => ({ image, names: [...names] })),
  );
}

function select(store: ImageStore, ref: string): Saved[] {
  const withoutTag = !/[:@]/.test(ref.slice(ref.lastIndexOf('/') + 1)) && idPrefixOf(ref) === undefined;
  if (withoutTag) {
    const repository = repositoryOf(parseReference(ref));
    const all = store.images().map((image) => ({ image, names: image.names.filter((n) => n.slice(0, n.lastIndexOf(':')) === repository) }));
    const found = all.filter(({ names }) => names.length > 0);
    if (found.length > 0) return found;
  }
  const image = resolveImage(store, ref);
  if (isIdOf(image, ref)) return [{ image, names: [] }];
  const reference = parseReference(ref);
  return [{ image, names: reference.digest === undefined ? [fullName(reference)] : [] }];
}

async function* archive(store: ImageStore, saved: readonly Saved[]): AsyncGenerator<Uint8Array> {
  const lease = store.content.leases.begin();
  try {
    const blobs = new Set(saved.flatMap(({ image: i }) => [...i.manifest.layers.map((l) => l.digest), i.id, i.descriptor.digest]));
    for (const digest of blobs) lease.hold(digest);
    yield* directory('blobs/');
    yield* directory('blobs/sha256/');
    for (const digest of blobs) {
      const size = store.content.sizeOf(digest);
      if (size === undefined) store.content.read(digest, 0); // says what is missing
      yield header(blobFile(digest), size ?? 0, 'file');
      yield* store.content.stream(digest);
      yield padding(size ?? 0);
    }
    yield* file('index.json', JSON.stringify({ schemaVersion: 2, mediaType: indexMediaType, manifests: saved.flatMap(indexEntries) }));
    yield* file('manifest.json', JSON.stringify(saved.map(dockerEntry)));
    yield* file('oci-layout', JSON.stringify({ imageLayoutVersion: '1.0.0' }));
    yield Buffer.alloc(2 * BLOCK);
  } finally {
    lease.release();
  }
}

const blobFile = (digest: Digest): string => `blobs/sha256/${hexOf(digest)}`;

/** One descriptor a name. Docker writes the full name in containerd's annotation, and the tag alone in the layout's. */
function indexEntries({ image: { descriptor }, names }: Saved): object[] {
  const { mediaType, digest, size, platform } = descriptor;
  const bare = { mediaType, digest, size, ...(platform ? { platform } : {}) };
  if (names.length === 0) return [bare];
  return names.map((name) => ({
    ...bare,
    annotations: { [imageNameAnnotation]: name, [refNameAnnotation]: name.slice(name.lastIndexOf(':') + 1) || defaultTag },
  }));
}

function dockerEntry({ image, names }: Saved): object {
  return { Config: blobFile(image.id), RepoTags: names.length ? names.map(familiarName) : null, Layers: image.manifest.layers.map((l) => blobFile(l.digest)) };
}

function* directory(name: string): Generator<Uint8Array> {
  yield header(name, 0, 'directory');
}

function* file(name: string, text: string): Generator<Uint8Array> {
  const bytes = Buffer.from(text);
  yield header(name, bytes.length, 'file');
  yield bytes;
  yield padding(bytes.length);
}

/** Times are the epoch's: the same images make the same archive. */
const header = (path: string, size: number, type: 'file' | 'directory'): Buffer =>
  encodeEntry({
    type,
    path,
    linkTarget: '',
    mode: type === 'file' ? 0o644 : 0o755,
    uid: 0,
    gid: 0,
    size,
    mtime: { seconds: 0, nsec: 0 },
    major: 0,
    minor: 0,
    xattrs: [],
  });

const padding = (size: number): Buffer => Buffer.alloc(paddingOf(size));
