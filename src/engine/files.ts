/** Files of a container: `cp` in both directions, `export`, `diff`. Nothing of the container is run or loaded for it. */
import { Readable } from 'node:stream';
import type { FilesystemChange } from '../api/schema.ts';
import { closeFd } from '../kernel/file-at.ts';
import { resolveUser, UserError } from '../runtime/user.ts';
import { compressionMagicBytes, compressionOf, decompress } from '../storage/compression.ts';
import { copyIn as copyInto, copyOut as copyFrom, statPath as statusOf, type CopyInOptions } from '../storage/copy.ts';
import { changes as changesOf } from '../storage/diff.ts';
import { packTree } from '../storage/tar/pack.ts';
import type { Container } from './container.ts';
import { idRangeOf, openLayers, openLiveRoot, openStoredRoot } from './container-root.ts';
import { EngineError, type PathStat } from './engine.ts';
import type { Parts } from './parts.ts';
import { answering } from './storage-failure.ts';

/** What Docker sends of a path in X-Docker-Container-Path-Stat. @throws EngineError 404 */
export function statPath(parts: Parts, container: Container, path: string): Promise<PathStat> {
  return answering(`look at ${path} in the container ${container.record.name}`, async () => {
    const root = await openToRead(parts, container, path);
    try {
      return statusOf(root, path);
    } finally {
      closeFd(root);
    }
  });
}

/** Copies a file or directory out, as a tar archive. @throws EngineError 404 */
export function copyOut(parts: Parts, container: Container, path: string): Promise<{ readonly stat: PathStat; readonly tar: Readable }> {
  return answering(`copy ${path} from the container ${container.record.name}`, async () => {
    const root = await openToRead(parts, container, path);
    try {
      const copy = copyFrom(root, path, idRangeOf(container));
      copy.tar.once('close', () => closeFd(root));
      return copy;
    } catch (error) {
      closeFd(root);
      throw error;
    }
  });
}

/** Exactly one thing at a time may prepare or change what is at rest; a running container is read as it is. */
async function openToRead(parts: Parts, container: Container, path: string): Promise<number> {
  return openLiveRoot(container) ?? container.exclusive(async () => openLiveRoot(container) ?? openStoredRoot(parts, container, path, false));
}

/** How the API asks to copy in. */
export interface PutOptions {
  readonly noOverwriteDirNonDir: boolean;
  /** All that is copied belongs to the container's user. */
  readonly copyUidGid: boolean;
}

/**
 * Extracts an archive (plain, gzip or zstd) into a directory of the container.
 * @throws EngineError 404 when there is no such directory, 400 for a bad archive, 403 where the container may not write either
 */
export function copyIn(parts: Parts, container: Container, path: string, tar: Readable, options: PutOptions): Promise<void> {
  const put = async (root: number): Promise<void> => {
    try {
      await copyInto(root, path, plain(tar), { noOverwriteDirNonDir: options.noOverwriteDirNonDir, ...ownerOf(root, container, options.copyUidGid) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EROFS')
        throw new EngineError(
          403,
          `${path} in the container ${container.record.name} is read-only: copy to a writable volume, or make the container without --read-only`,
        );
      throw error;
    } finally {
      closeFd(root);
    }
  };
  return answering(`copy to ${path} in the container ${container.record.name}`, async () => {
    const live = openLiveRoot(container);
    if (live !== undefined) await put(live);
    else await container.exclusive(async () => put(openLiveRoot(container) ?? (await openStoredRoot(parts, container, path, true))));
  });
}

/**
 * Who is to own the files: whom the archive says, or the container's user. In a user namespace the container's root owns
 * what would otherwise be the host's.
 */
function ownerOf(root: number, container: Container, user: boolean): Pick<CopyInOptions, 'owner'> {
  const { config } = container.record;
  const first = idRangeOf(container)?.first ?? 0;
  if (!user || !config.User) return first === 0 ? {} : { owner: { uid: first, gid: first } };
  try {
    const { uid, gid } = resolveUser(root, config.User);
    return { owner: { uid: first + uid, gid: first + gid } };
  } catch (error) {
    throw error instanceof UserError ? new EngineError(400, error.message) : error;
  }
}

/** The archive decompressed; how it is compressed shows in its first bytes. */
async function* plain(archive: Readable): AsyncGenerator<Uint8Array> {
  const chunks = (archive as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < compressionMagicBytes) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield head;
    yield* { [Symbol.asyncIterator]: () => chunks };
  };
  yield* decompress(whole(), compressionOf(head, 'the archive'), 'the archive');
}

/** The container's own file system as a tar archive; volumes are not in it, as with Docker. */
export function exportRoot(parts: Parts, container: Container): Promise<Readable> {
  return answering(`export the container ${container.record.name}`, () => {
    const root = openLayers(parts, container);
    const tar = Readable.from(packTree(root, { idRange: idRangeOf(container) }), { objectMode: false });
    tar.once('close', () => closeFd(root));
    return tar;
  });
}

/** What the engine itself puts into a root, so that there is something to mount on. */
const ownPaths: ReadonlySet<string> = new Set([
  '/dev',
  '/dev/console',
  '/dev/mqueue',
  '/dev/pts',
  '/dev/shm',
  '/etc/hostname',
  '/etc/hosts',
  '/etc/resolv.conf',
  '/proc',
  '/sys',
  '/sys/fs',
  '/sys/fs/cgroup',
]);

/** What the container has changed, without what the engine added. */
export function changes(parts: Parts, container: Container): Promise<FilesystemChange[]> {
  return answering(`list the changes of the container ${container.record.name}`, () => {
    const { upper } = parts.snapshots.mountOf(container.id, []);
    const all = changesOf(upper, parts.images.lowerDirs(container.record.image.chain));
    const own = all.filter(({ path, kind }) => kind === 1 && ownPaths.has(path));
    const left = all.filter((change) => !own.includes(change));
    // A directory counts as changed by what was added to it: without that, only when something else in it has changed.
    const above = new Set(own.map(({ path }) => path.slice(0, path.lastIndexOf('/'))));
    return left
      .filter(({ path, kind }) => kind !== 0 || !above.has(path) || left.some((other) => other.path.startsWith(`${path}/`)))
      .map(({ path, kind }) => ({ Path: path, Kind: kind }));
  });
}
