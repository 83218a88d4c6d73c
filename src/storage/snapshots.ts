/**
 * Containers' writable layers: the directories that an overlay mount needs above an image's layers. The mount itself is
 * data here; whoever runs the container makes it.
 *
 *     snapshots/ID/upper   what the container wrote
 *     snapshots/ID/work    overlay's own
 *     snapshots/ID/merged  where the root file system is mounted
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporarySuffix } from './atomic.ts';
import { StorageError, asStorageError } from './error.ts';
import type { LayerPool } from './layer-pool.ts';
import { copyOwnerAndMode } from './layers.ts';
import { removal } from './remove-tree.ts';

/** What to mount: see mount(2) and the kernel's Documentation/filesystems/overlayfs.rst. */
export interface OverlayMount {
  /** Lower directories, top first. */
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
  readonly target: string;
}

/** Entries that are removed at once, on the engine's thread; what has more is handed to a worker. */
const removedAtOnce = 200;

export class Snapshots {
  readonly #root: string;
  readonly #pool: LayerPool;

  private constructor(root: string, pool: LayerPool) {
    this.#root = root;
    this.#pool = pool;
  }

  /** Opens the snapshots in `root`, making the directory when it is not there; half-removed ones are removed. */
  static async open(root: string, pool: LayerPool): Promise<Snapshots> {
    try {
      mkdirSync(root, { recursive: true, mode: 0o700 });
      const leftovers = readdirSync(root).filter((name) => name.endsWith(temporarySuffix));
      await Promise.all(leftovers.map((name) => pool.remove(join(root, name))));
    } catch (error) {
      throw asStorageError(error, `open the containers' layers in ${root}`);
    }
    return new Snapshots(root, pool);
  }

  /**
   * Makes an empty writable layer.
   * @param id the container's
   * @param lower the image's layers, top first
   * @throws StorageError `conflict` when it is there
   */
  create(id: string, lower: readonly string[]): OverlayMount {
    const mount = this.mountOf(id, lower);
    const directory = this.#directory(id);
    try {
      mkdirSync(directory, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST')
        throw new StorageError('conflict', `the container ${id} has a writable layer already (${directory})`);
      throw asStorageError(error, `make the writable layer of ${id}`);
    }
    try {
      for (const path of [mount.upper, mount.work, mount.target]) mkdirSync(path, { mode: 0o755 });
      // Overlay shows the uppermost directory's owner and mode: the root must look as the image has it.
      if (lower[0] === undefined) chmodSync(mount.upper, 0o755);
      else copyOwnerAndMode(lower[0], mount.upper);
    } catch (error) {
      for (const _ of removal(directory)?.steps ?? []);
      throw asStorageError(error, `make the writable layer of ${id}`);
    }
    return mount;
  }

  /** The mount of a container's root file system, without looking at the disk. */
  mountOf(id: string, lower: readonly string[]): OverlayMount {
    const directory = this.#directory(id);
    return { lower, upper: join(directory, 'upper'), work: join(directory, 'work'), target: join(directory, 'merged') };
  }

  has(id: string): boolean {
    return existsSync(this.#directory(id));
  }

  /** The ids that have a writable layer. */
  list(): string[] {
    return readdirSync(this.#root).filter((name) => !name.endsWith(temporarySuffix));
  }

  /** Bytes that the container has written. */
  size(id: string): Promise<number> {
    return this.#pool.size(join(this.#directory(id), 'upper'));
  }

  /**
   * Removes a writable layer; nothing there is no error. It has left its place when this returns to the event loop.
   * @throws StorageError (conflict) while it is mounted
   */
  async remove(id: string): Promise<void> {
    const directory = this.#directory(id);
    try {
      rmdirIfThere(join(directory, 'merged')); // fails while it is mounted, before anything else is touched
      const work = removal(directory);
      if (!work) return;
      let removed = 0;
      while (!work.steps.next().done) {
        if (++removed === removedAtOnce) return await this.#pool.remove(work.rest);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EBUSY')
        throw new StorageError('conflict', `the writable layer of ${id} is still mounted: unmount ${join(directory, 'merged')} first`, error);
      throw asStorageError(error, `remove the writable layer of ${id}`);
    }
  }

  #directory(id: string): string {
    if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(id)) throw new StorageError('invalid', `${JSON.stringify(id)} is no container id`);
    return join(this.#root, id);
  }
}

function rmdirIfThere(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
