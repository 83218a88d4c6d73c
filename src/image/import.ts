/**
 * Import: whatever a person has, recognised by its content, becomes images in the store. A root file system's tar
 * (`docker export`), a `docker save` archive of any age, an OCI layout as directory or tar; plain, gzip or zstd.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { readableJson, readRange } from '../storage/atomic.ts';
import { compressionMagicBytes, compressionOf, decompress, type Compression } from '../storage/compression.ts';
import type { Digest } from '../storage/digest.ts';
import { asStorageError, invalid } from '../storage/error.ts';
import { wholeFile, type Region } from '../storage/layer-unpack.ts';
import { DirectoryArchive, TarArchive, type ArchiveFiles } from './archive.ts';
import { looksLikeImageArchive, looksLikeTar } from './archive-tar.ts';
import { applyChanges } from './change.ts';
import { parseConfiguration, type ImageConfig } from './config.ts';
import { isDockerArchive, readDockerArchive } from './import-docker.ts';
import { isOciLayout, readOciLayout } from './import-oci.ts';
import { ingestImage, nameManifest, underLease, type ImageSource, type ImportLease } from './ingest.ts';
import { addLayerAsImage } from './new-image.ts';
import { thisPlatform } from './platform.ts';
import type { ImageStore } from './store.ts';

/** A stream of an archive, or a file or directory of this machine. */
export type ImportSource = AsyncIterable<Uint8Array> | { readonly path: string };

export interface ImportOptions {
  /** Full name to give, instead of those in the archive. */
  readonly name?: string;
  /** Dockerfile instructions that change the configuration. */
  readonly changes?: readonly string[];
  /** Comment for the history. */
  readonly message?: string;
  /** Configuration of an image made from a root file system, before `changes`. */
  readonly config?: ImageConfig;
  /** Refuse root file systems: `docker load` takes image archives only. */
  readonly archivesOnly?: boolean;
}

export interface ImportedImage {
  readonly id: Digest;
  /** Full names; none for an image that stays untagged. */
  readonly names: readonly string[];
}

/** Enough of an archive to see its first entry, past extended headers. */
const headBytes = 64 << 10;

/**
 * Imports an archive.
 * @returns the images that were in it; one, unless the archive holds several
 * @throws StorageError (invalid) when it is not understood, damaged or hostile; then nothing of it is in the store
 */
export async function importImages(store: ImageStore, source: ImportSource, options: ImportOptions = {}): Promise<ImportedImage[]> {
  const label = 'path' in source ? source.path : 'the archive';
  // Bad changes are refused before anything is read.
  applyChanges({}, options.changes ?? []);
  try {
    return await underLease(store, async (lease) => {
      if (!('path' in source)) {
        const spool = await spoolStream(store, source);
        try {
          return await importFile(store, spool, label, options, lease);
        } finally {
          await store.content.discard(spool);
        }
      }
      const status = await stat(source.path);
      if (status.isDirectory()) return await withFiles(new DirectoryArchive(source.path), (files) => importArchive(store, files, options, lease));
      return await importFile(store, source.path, label, options, lease);
    });
  } catch (error) {
    throw asStorageError(error, `import ${label}`);
  }
}

async function withFiles<T>(files: ArchiveFiles, use: (files: ArchiveFiles) => Promise<T>): Promise<T> {
  try {
    return await use(files);
  } finally {
    files.close();
  }
}

/** Writes a stream into a temporary file of the store: archives have their table of contents anywhere. */
async function spoolStream(store: ImageStore, chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const path = store.content.temporary();
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of chunks) await file.write(chunk).then(({ bytesWritten }) => writeRest(file, chunk, bytesWritten));
  } catch (error) {
    await store.content.discard(path);
    throw error;
  } finally {
    await file.close();
  }
  return path;
}

/** write(2) may write less than asked for; the next call says why. */
async function writeRest(file: { write(bytes: Uint8Array): Promise<{ bytesWritten: number }> }, chunk: Uint8Array, written: number): Promise<void> {
  for (let done = written; done < chunk.length;) done += (await file.write(chunk.subarray(done))).bytesWritten;
}

async function importFile(store: ImageStore, path: string, label: string, options: ImportOptions, lease: ImportLease): Promise<ImportedImage[]> {
  const fd = openSync(path, 'r');
  try {
    if (!fstatSync(fd).isFile()) throw invalid(`${label} is neither a file nor a directory`);
    const whole = wholeFile(fd);
    const compression = compressionOf(readRange(fd, 0, Math.min(compressionMagicBytes, whole.size)), label);
    const head = await firstBytes(whole, compression, label);
    if (!looksLikeTar(head)) throw invalid(`${label} is no image: it is neither a tar archive (plain, gzip or zstd) nor an OCI layout`);
    if (looksLikeImageArchive(head)) {
      const plain = compression === 'none' ? undefined : await spoolStream(store, decompress(readFile(whole), compression, label));
      const result = await importTarFile(store, plain, fd, label, options, lease);
      if (result) return result;
    }
    if (options.archivesOnly)
      throw invalid(`${label} is no image archive: it has neither manifest.json nor index.json (a root file system is imported by "image import")`);
    return [await importRootfs(store, whole, label, options, lease)];
  } finally {
    closeSync(fd);
  }
}

/** The images in a tar archive (`plain`, a temporary file, or what `fd` has); undefined when it is not an image archive after all. */
async function importTarFile(
  store: ImageStore,
  plain: string | undefined,
  fd: number,
  label: string,
  options: ImportOptions,
  lease: ImportLease,
): Promise<ImportedImage[] | undefined> {
  const tar = plain === undefined ? fd : openSync(plain, 'r');
  try {
    return await withFiles(new TarArchive(tar, label), async (files) =>
      isOciLayout(files) || isDockerArchive(files) ? importArchive(store, files, options, lease) : undefined,
    );
  } finally {
    if (plain !== undefined) {
      closeSync(tar);
      await store.content.discard(plain);
    }
  }
}

async function firstBytes(region: Region, compression: Compression, label: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of decompress(readFile(region), compression, label)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= headBytes) break;
  }
  return Buffer.concat(chunks, Math.min(length, headBytes));
}

async function* readFile({ fd, offset, size }: Region): AsyncGenerator<Uint8Array> {
  const chunk = 256 << 10;
  for (let done = 0; done < size; done += chunk) yield readRange(fd, offset + done, Math.min(chunk, size - done));
}

async function importArchive(store: ImageStore, files: ArchiveFiles, options: ImportOptions, lease: ImportLease): Promise<ImportedImage[]> {
  const sources = isOciLayout(files) ? readOciLayout(files) : isDockerArchive(files) ? readDockerArchive(files) : undefined;
  if (!sources) throw invalid(`${files.name} is no image: it has neither index.json (OCI layout) nor manifest.json (docker save)`);
  if (options.name !== undefined && sources.length > 1)
    throw invalid(`${files.name} holds ${sources.length} images; one name cannot be given to all: import it without`);
  const imported: ImportedImage[] = [];
  for (const found of sources) {
    const source = changed({ ...found, ...(options.name === undefined ? {} : { names: [options.name] }) }, options);
    imported.push({ id: await ingestImage(store, source, lease), names: source.names });
  }
  return imported;
}

/** The image with `--change`d configuration; its layers are the same. */
function changed(source: ImageSource, options: ImportOptions): ImageSource {
  if (!options.changes?.length) return source;
  const name = `${source.name}: the configuration`;
  const { config, history } = parseConfiguration(source.config, name);
  // Fields that we do not know are kept.
  const original = JSON.parse(Buffer.from(source.config).toString()) as object;
  const entry = {
    created: new Date().toISOString(),
    created_by: options.changes.join('; '),
    empty_layer: true,
    ...(options.message ? { comment: options.message } : {}),
  };
  const bytes = Buffer.from(readableJson({ ...original, created: entry.created, config: applyChanges(config, options.changes), history: [...history, entry] }));
  const { manifest: _, ...rest } = source; // it names the configuration that was
  return { ...rest, config: bytes };
}

/** A root file system as an image of one layer. */
async function importRootfs(store: ImageStore, region: Region, label: string, options: ImportOptions, lease: ImportLease): Promise<ImportedImage> {
  const comment = options.message ?? `Imported from ${label === 'the archive' ? '-' : label}`;
  const image = await addLayerAsImage(
    store,
    region,
    label,
    { created: new Date().toISOString(), ...thisPlatform, config: applyChanges(options.config ?? {}, options.changes ?? []) },
    { comment },
    undefined,
    lease,
  );
  const names = options.name === undefined ? [] : [options.name];
  await nameManifest(store, image.manifest, image.configuration, names, lease);
  return { id: image.id, names };
}
