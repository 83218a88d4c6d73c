/**
 * Names of images: the layout's index.json, read once and rewritten whole on every change. An entry is a manifest's
 * descriptor, with the image's full name (`docker.io/library/base:latest`) as annotations where it has one.
 * Specification: OCI image-spec, image-layout.md ("index.json") and annotations.md.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, readableJson, writeFileAtomic } from './atomic.ts';
import { requireDigest, type Digest } from './digest.ts';
import { asStorageError, invalid } from './error.ts';

/** The reference's name in an OCI layout: what `skopeo copy oci:DIR:NAME` looks for. */
export const refNameAnnotation = 'org.opencontainers.image.ref.name';
/** The full name, as containerd, nerdctl and Docker write it. */
export const imageNameAnnotation = 'io.containerd.image.name';

export const indexMediaType = 'application/vnd.oci.image.index.v1+json';

/** A manifest's descriptor (OCI image-spec, descriptor.md). */
export interface ManifestDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string; readonly variant?: string };
  readonly annotations?: Readonly<Record<string, string>>;
}

type Entries = readonly { readonly name: string | undefined; readonly manifest: ManifestDescriptor }[];

const maximumIndexBytes = 32 << 20;

export class References {
  readonly #path: string;
  /** In the order they were added. A manifest without a name is one entry; one with several names, several. */
  #entries: Entries = [];
  #writing: Promise<void> = Promise.resolve();

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens the index of the layout in `root`, making an empty one when it is not there.
   * @throws StorageError when it is damaged
   */
  static async open(root: string): Promise<References> {
    const references = new References(join(root, 'index.json'));
    if (!existsSync(references.#path)) await references.#write();
    else references.#entries = parseIndex(references.#path);
    return references;
  }

  /** The manifest that a full name stands for. */
  get(name: string): Digest | undefined {
    return this.#entries.find((e) => e.name === name)?.manifest.digest;
  }

  /** Every manifest once, with its names in the order they were given; none for an untagged one. */
  list(): { readonly manifest: ManifestDescriptor; readonly names: readonly string[] }[] {
    const byDigest = new Map<Digest, { manifest: ManifestDescriptor; names: string[] }>();
    for (const { name, manifest } of this.#entries) {
      const entry = byDigest.get(manifest.digest) ?? { manifest, names: [] };
      byDigest.set(manifest.digest, entry);
      if (name !== undefined) entry.names.push(name);
    }
    return [...byDigest.values()];
  }

  /**
   * Adds a manifest, under a name or without. A name that stood for another manifest now stands for this one; the other
   * stays, untagged when that was its last name.
   */
  async set(manifest: ManifestDescriptor, name?: string): Promise<void> {
    const bare = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.size, ...(manifest.platform ? { platform: manifest.platform } : {}) };
    await this.#change((entries) => {
      if (name === undefined) return entries.some((e) => e.manifest.digest === bare.digest) ? entries : [...entries, { name, manifest: bare }];
      const orphan = entries.find((e) => e.name === name && e.manifest.digest !== bare.digest)?.manifest;
      const kept = entries.filter((e) => e.name !== name && !(e.name === undefined && e.manifest.digest === bare.digest));
      const orphaned = orphan && !kept.some((e) => e.manifest.digest === orphan.digest) ? [{ name: undefined, manifest: orphan }] : [];
      return [...kept, ...orphaned, { name, manifest: bare }];
    });
  }

  /** Takes a name away. The manifest stays, untagged when it was its last name. */
  async untag(name: string): Promise<void> {
    await this.#change((entries) => {
      const entry = entries.find((e) => e.name === name);
      if (!entry) return entries;
      const kept = entries.filter((e) => e !== entry);
      return kept.some((e) => e.manifest.digest === entry.manifest.digest) ? kept : [...kept, { name: undefined, manifest: entry.manifest }];
    });
  }

  /** Takes manifests away with all their names. Their blobs stay until they are swept. */
  async remove(digests: ReadonlySet<Digest>): Promise<void> {
    await this.#change((entries) => entries.filter((e) => !digests.has(e.manifest.digest)));
  }

  /** Changes are made one after the other; one that cannot be written is not made. */
  async #change(next: (entries: Entries) => Entries): Promise<void> {
    const change = this.#writing.then(async () => {
      const before = this.#entries;
      this.#entries = next(before);
      if (this.#entries === before) return;
      try {
        await this.#write();
      } catch (error) {
        this.#entries = before;
        throw asStorageError(error, `write ${this.#path}`);
      }
    });
    this.#writing = change.catch(() => undefined);
    await change;
  }

  async #write(): Promise<void> {
    const manifests = this.#entries.map(({ name, manifest }) => ({
      ...manifest,
      ...(name === undefined ? {} : { annotations: { [imageNameAnnotation]: name, [refNameAnnotation]: name } }),
    }));
    await writeFileAtomic(this.#path, readableJson({ schemaVersion: 2, mediaType: indexMediaType, manifests }));
  }
}

function parseIndex(path: string): { name: string | undefined; manifest: ManifestDescriptor }[] {
  const index = readJson(path, maximumIndexBytes) as { manifests?: unknown } | null;
  if (!Array.isArray(index?.manifests)) throw invalid(`${path} is no OCI index: it has no list of manifests`);
  return index.manifests.map((value: unknown) => {
    const { mediaType, digest, size, platform, annotations } = (value ?? {}) as ManifestDescriptor;
    if (typeof mediaType !== 'string' || typeof size !== 'number') throw invalid(`${path} is damaged: an entry has no media type or size`);
    const name = annotations?.[imageNameAnnotation] ?? annotations?.[refNameAnnotation];
    return { name, manifest: { mediaType, digest: requireDigest(digest, `an entry of ${path}`), size, ...(platform ? { platform } : {}) } };
  });
}
