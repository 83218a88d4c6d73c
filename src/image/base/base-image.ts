/**
 * The image `base`: a small Linux made of the host's own programs, offline, with exactly the libraries they need. The same
 * host gives the same bytes. Importing the tar with `baseImageConfig` makes an ordinary OCI image of it.
 */
import { closeSync, openSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { toBytes } from '../../kernel/file-at.ts';
import { extractLayer } from '../../storage/layer-extract.ts';
import type { TarEntry } from '../../storage/tar/entry.ts';
import { TarChunks } from '../../storage/tar/writer.ts';
import { planBase, type BasePlan, type Omission, type PlannedFile } from './plan.ts';

/** The configuration of the image: config of the OCI image-spec. */
export const baseImageConfig = {
  Cmd: ['/bin/sh'],
  Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
} as const;

/** What is in the base image. */
export interface BaseDescription {
  /** Files taken from the host: where they are in the image, where they come from, and for what. */
  readonly files: readonly { readonly path: string; readonly from: string; readonly why: string; readonly size: number }[];
  /** Programs that could not be taken. */
  readonly omitted: readonly Omission[];
  /** Bytes of all files. */
  readonly size: number;
}

/** Says what the image is made of, without making it. @throws StorageError where the host lacks something essential */
export function describeBase(plan: BasePlan = planBase()): BaseDescription {
  const files = [...plan.files].flatMap(([path, file]) => (file.type === 'file' ? [{ path, from: file.from, why: file.why, size: file.size }] : []));
  return { files, omitted: plan.omitted, size: files.reduce((sum, file) => sum + file.size, 0) };
}

/**
 * The image's root file system as an uncompressed tar: sorted, all of root's, all of 1970.
 * @throws StorageError where the host lacks something essential, before the first chunk
 */
export async function* baseImageTar(plan: BasePlan = planBase()): AsyncGenerator<Buffer> {
  const chunks = new TarChunks();
  for (const [path, file] of plan.files) {
    for (const chunk of addFile(chunks, path, file)) {
      yield chunk;
      await setImmediate(); // files are read synchronously
    }
  }
  yield* chunks.end();
}

/** Makes the root file system in an existing, empty directory. */
export async function buildBaseRootfs(directory: string, plan: BasePlan = planBase()): Promise<void> {
  const fd = openSync(directory, 'r');
  try {
    await extractLayer(baseImageTar(plan), { fd }, { whiteouts: 'none' });
  } finally {
    closeSync(fd);
  }
}

function* addFile(chunks: TarChunks, path: string, file: PlannedFile): Generator<Buffer> {
  const entry = (fields: Partial<TarEntry>): TarEntry => ({
    type: 'file',
    path: toBytes(path.slice(1)),
    linkTarget: '',
    mode: 0o777,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: { seconds: 0, nsec: 0 },
    major: 0,
    minor: 0,
    xattrs: [],
    ...fields,
  });
  switch (file.type) {
    case 'directory':
      yield* chunks.add(entry({ type: 'directory', mode: file.mode }));
      return;
    case 'link':
      yield* chunks.add(entry({ type: 'symlink', linkTarget: toBytes(file.target) }));
      return;
    case 'text': {
      const text = Buffer.from(file.text);
      yield* chunks.add(entry({ mode: file.mode, size: text.length }), text);
      return;
    }
    case 'file': {
      const fd = openSync(file.from, 'r');
      try {
        yield* chunks.add(entry({ mode: file.mode, size: file.size }));
        yield* chunks.content(fd, file.size);
      } finally {
        closeSync(fd);
      }
    }
  }
}
