/** Small images made by hand, for the tests of this folder: every byte of an archive is the test's to choose. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { LayerPool } from '../storage/layer-pool.ts';
import { encodeHeader } from '../storage/tar/header.ts';
import { Images, type ImageUsers } from './images.ts';

/** An entry of a tar: a file's content, or a directory, link or device by its type. */
export interface TarItem {
  readonly path: string;
  readonly content?: string | Uint8Array;
  readonly type?: '0' | '1' | '2' | '3' | '5';
  readonly link?: string;
  readonly mode?: number;
  readonly uid?: number;
}

/** A tar archive of the items, with its end mark. */
export function tar(...items: readonly TarItem[]): Buffer {
  const blocks: Buffer[] = [];
  for (const { path, content = '', type = '0', link = '', mode = type === '5' ? 0o755 : 0o644, uid = 0 } of items) {
    const bytes = Buffer.from(content as string);
    blocks.push(encodeHeader({ type, path, prefix: '', linkTarget: link, mode, uid, gid: 0, size: bytes.length, mtime: 1_700_000_000, major: 0, minor: 0 }));
    blocks.push(bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512));
  }
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

export const sha256 = (bytes: Uint8Array | string): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const hex = (digest: string): string => digest.slice(7);

/** An image in parts, so that a test can spoil one of them. */
export interface ImageParts {
  readonly layers: readonly { readonly blob: Buffer; readonly diffId: string; readonly mediaType: string }[];
  readonly config: Buffer;
  readonly manifest: Buffer;
}

const compressors = { none: (b: Buffer): Buffer => b, gzip: (b: Buffer): Buffer => gzipSync(b), zstd: (b: Buffer): Buffer => zstdCompressSync(b) };

/** An OCI image of the given layers, lowest first. */
export function makeImage(
  layers: readonly Buffer[],
  options: { readonly compression?: keyof typeof compressors; readonly config?: object; readonly fields?: object; readonly architecture?: string } = {},
): ImageParts {
  const compression = options.compression ?? 'gzip';
  const parts = layers.map((layer) => ({
    blob: compressors[compression](layer),
    diffId: sha256(layer),
    mediaType: `application/vnd.oci.image.layer.v1.tar${compression === 'none' ? '' : `+${compression}`}`,
  }));
  const config = Buffer.from(
    JSON.stringify({
      created: '2024-01-02T03:04:05.678Z',
      architecture: options.architecture ?? (process.arch === 'arm64' ? 'arm64' : 'amd64'),
      os: 'linux',
      config: { Cmd: ['/bin/true'], Env: ['PATH=/bin'], ...options.config },
      rootfs: { type: 'layers', diff_ids: parts.map((p) => p.diffId) },
      history: parts.map((_, i) => ({ created: '2024-01-02T03:04:05Z', created_by: `step ${i + 1}` })),
      ...options.fields,
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: descriptor('application/vnd.oci.image.config.v1+json', config),
      layers: parts.map((p) => descriptor(p.mediaType, p.blob)),
    }),
  );
  return { layers: parts, config, manifest };
}

export const descriptor = (mediaType: string, bytes: Buffer): { mediaType: string; digest: string; size: number } => ({
  mediaType,
  digest: sha256(bytes),
  size: bytes.length,
});

/** The files of an archive by name. */
export type Files = Record<string, Buffer>;

/** The files of an OCI layout with one image. */
export function ociFiles(image: ImageParts, name?: string): Files {
  const entry = {
    ...descriptor('application/vnd.oci.image.manifest.v1+json', image.manifest),
    ...(name ? { annotations: { 'org.opencontainers.image.ref.name': name } } : {}),
  };
  return {
    'oci-layout': Buffer.from('{"imageLayoutVersion":"1.0.0"}'),
    'index.json': Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [entry] })),
    ...blobFiles(image.config, image.manifest, ...image.layers.map((l) => l.blob)),
  };
}

export const blobFiles = (...blobs: readonly Buffer[]): Files => Object.fromEntries(blobs.map((b) => [`blobs/sha256/${hex(sha256(b))}`, b]));

/** The files of an archive as `docker save` made them before version 25: a directory a layer, configuration by id. */
export function dockerFiles(image: ImageParts, tags: readonly string[] | null, blobs = image.layers.map((l) => l.blob)): Files {
  const id = hex(sha256(image.config));
  const layers = blobs.map((_, i) => `${hex(sha256(`${id}/${i}`))}/layer.tar`);
  return {
    ...Object.fromEntries(layers.map((name, i) => [name, blobs[i]!])),
    [`${id}.json`]: image.config,
    'manifest.json': Buffer.from(JSON.stringify([{ Config: `${id}.json`, RepoTags: tags, Layers: layers }])),
  };
}

export const tarOf = (files: Files): Buffer => tar(...Object.entries(files).map(([path, content]) => ({ path, content })));

export function writeFiles(directory: string, files: Files): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

/** A new directory that goes when the test ends. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'hako-image-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export interface Fixture {
  readonly root: string;
  readonly images: Images;
  readonly pool: LayerPool;
  /** A directory for archives. */
  readonly work: string;
}

const nobody: ImageUsers = { usedBy: () => [], usedLayers: () => [] };

/** An empty image store that goes when the test ends. */
export async function openFixture(t: TestContext, users: ImageUsers = nobody): Promise<Fixture> {
  const directory = temporaryDirectory(t);
  const pool = new LayerPool(2);
  t.after(() => pool.close());
  const root = join(directory, 'root');
  return { root, images: await Images.open(root, pool, users), pool, work: join(directory, 'work') };
}

/** Everything that the store holds: blobs, half-written blobs, layers and half-made layers. An empty store has none. */
export function contentsOf(root: string): string[] {
  return ['images/blobs/sha256', 'images/ingest', 'layers'].flatMap((d) => readdirSync(join(root, d)).map((name) => `${d}/${name}`));
}
