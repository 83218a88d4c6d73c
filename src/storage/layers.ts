/**
 * Extracted layers, by chain id: what overlay mounts as lower directories. A layer is extracted beside its place and
 * renamed into it, so a layer that is there is complete.
 *
 *     layers/7/layer.json  { chainId, diffId, parent, size }
 *     layers/7/diff/       the layer's files, whiteouts as overlay has them (0:0 character devices)
 *     layers/*.tmp         being extracted or removed; a crash's leftovers go when the store opens
 *
 * Names are short numbers: a mount's option string is one page (mount(2)), and holds the path of every layer.
 * The directory is closed to others (0700): layers hold set-user-id programs that the host's users must not reach.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, readableJson, replaceFile, temporarySuffix } from './atomic.ts';
import { chainId, isDigest, type Digest } from './digest.ts';
import { StorageError, asStorageError } from './error.ts';
import type { LayerPool } from './layer-pool.ts';
import { Leases, type Lease } from './leases.ts';

export interface Layer {
  readonly chainId: Digest;
  readonly diffId: Digest;
  /** Chain id of the layer below; absent for the lowest. */
  readonly parent?: Digest;
  /** Bytes of its files. */
  readonly size: number;
  /** Its files: an absolute path. */
  readonly diff: string;
}

/** A layer to be made. */
export interface LayerPlan {
  readonly chainId: Digest;
  readonly diffId: Digest;
  readonly parent?: Digest;
}

export class Layers {
  readonly #root: string;
  readonly #pool: LayerPool;
  /** Chain ids that garbage collection leaves alone for now, with all below them. */
  readonly leases = new Leases();
  readonly #layers = new Map<Digest, Layer>();
  readonly #making = new Map<Digest, Promise<Layer>>();
  #last = 0;

  private constructor(root: string, pool: LayerPool) {
    this.#root = root;
    this.#pool = pool;
  }

  /** Opens the layers in `root`, making the directory when it is not there, and removes what a crash left behind. */
  static async open(root: string, pool: LayerPool): Promise<Layers> {
    const layers = new Layers(root, pool);
    try {
      mkdirSync(root, { recursive: true, mode: 0o700 });
      const leftovers: string[] = [];
      for (const name of readdirSync(root)) {
        const record = /^[1-9]\d*$/.test(name) ? readRecord(join(root, name)) : undefined;
        if (!record) leftovers.push(name);
        else layers.#layers.set(record.chainId, record);
        layers.#last = Math.max(layers.#last, Number.parseInt(name, 10) || 0);
      }
      await Promise.all(leftovers.map((name) => pool.remove(join(root, name))));
    } catch (error) {
      throw asStorageError(error, `open the layers in ${root}`);
    }
    return layers;
  }

  get(id: Digest): Layer | undefined {
    return this.#layers.get(id);
  }

  list(): Layer[] {
    return [...this.#layers.values()];
  }

  /**
   * The lower directories of a stack, top first, as overlay wants them.
   * @throws StorageError (not-found) when a layer is missing
   */
  lowerDirs(top: Digest): string[] {
    const dirs: string[] = [];
    for (let id: Digest | undefined = top; id !== undefined;) {
      const layer = this.#layers.get(id);
      if (!layer) throw new StorageError('not-found', `the layer ${id} is not in ${this.#root}: import the image again`);
      dirs.push(layer.diff);
      id = layer.parent;
    }
    return dirs;
  }

  /**
   * Makes a layer, unless it is there. Who asks for a layer that is being made waits for it, and makes it when the
   * other fails. Layers of one stack can be filled at the same time; each is finished after the one below it.
   * @param below the layer below, being made; absent when it is there already or there is none
   * @param fill extracts into an empty directory and returns the bytes of its files
   */
  async make(plan: LayerPlan, below: Promise<unknown> | undefined, fill: (directory: string) => Promise<number>): Promise<Layer> {
    for (let other = this.#making.get(plan.chainId); other; other = this.#making.get(plan.chainId)) {
      try {
        return await other;
      } catch {
        // The other's archive was bad or its disk full; ours may do better.
      }
    }
    const existing = this.#layers.get(plan.chainId);
    if (existing) return existing;
    const making = this.#make(plan, below, fill).finally(() => this.#making.delete(plan.chainId));
    this.#making.set(plan.chainId, making);
    return making;
  }

  async #make(plan: LayerPlan, below: Promise<unknown> | undefined, fill: (directory: string) => Promise<number>): Promise<Layer> {
    return this.#stage(async (directory) => {
      const size = await fill(directory);
      await below;
      return { ...plan, size };
    });
  }

  /**
   * Makes a layer whose diff id is known only when it has been read. One that is there already is not made twice.
   * @param parent chain id of the layer below
   * @param lease holds the new layer
   * @param fill extracts into an empty directory
   */
  makeFrom(parent: Digest | undefined, lease: Lease, fill: (directory: string) => Promise<{ readonly diffId: Digest; readonly size: number }>): Promise<Layer> {
    return this.#stage(async (directory) => {
      const { diffId, size } = await fill(directory);
      const id = chainId(parent, diffId);
      lease.hold(id);
      return { chainId: id, diffId, ...(parent === undefined ? {} : { parent }), size };
    });
  }

  /** Fills a temporary directory and renames it into its place, or removes it. */
  async #stage(fill: (directory: string) => Promise<Omit<Layer, 'diff'>>): Promise<Layer> {
    const number = ++this.#last;
    const temporary = join(this.#root, `${number}${temporarySuffix}`);
    const place = join(this.#root, String(number));
    try {
      const diff = join(temporary, 'diff');
      mkdirSync(temporary, { mode: 0o700 });
      makeLayerRoot(diff);
      const record = await fill(diff);
      const existing = this.#layers.get(record.chainId);
      if (existing) {
        await this.#pool.remove(temporary);
        return existing;
      }
      if (record.parent !== undefined && !this.#layers.has(record.parent))
        throw new StorageError('failed', `the layer ${record.parent} disappeared while the one above it was made`);
      finishLayerRoot(diff, record.parent === undefined ? undefined : this.#layers.get(record.parent)!.diff);
      replaceFile(join(temporary, 'layer.json'), readableJson(record));
      renameSync(temporary, place);
      const layer = { ...record, diff: join(place, 'diff') };
      this.#layers.set(record.chainId, layer);
      return layer;
    } catch (error) {
      await this.#pool.remove(temporary);
      throw asStorageError(error, `make a layer in ${this.#root}`);
    }
  }

  /**
   * Removes the layers that neither `live` nor a lease needs; what a needed layer stands on is needed too.
   * @param live chain ids that images and containers use
   * @returns the chain ids removed, top first, and the bytes of their files
   */
  async sweep(live: Iterable<Digest>): Promise<{ readonly removed: Digest[]; readonly freed: number }> {
    const needed = new Set<Digest>();
    for (const id of [...live, ...this.leases.keys()]) {
      for (
        let layer = this.#layers.get(id);
        layer && !needed.has(layer.chainId);
        layer = layer.parent === undefined ? undefined : this.#layers.get(layer.parent)
      )
        needed.add(layer.chainId);
    }
    const doomed = [...this.#layers.values()].filter((layer) => !needed.has(layer.chainId)).toReversed();
    const gone: string[] = [];
    let freed = 0;
    // Out of the way at once, from the top: a crash in between leaves no layer without the one below it.
    for (const layer of doomed) {
      const directory = join(layer.diff, '..');
      renameSync(directory, `${directory}${temporarySuffix}`);
      this.#layers.delete(layer.chainId);
      gone.push(`${directory}${temporarySuffix}`);
      freed += layer.size;
    }
    await Promise.all(gone.map((path) => this.#pool.remove(path)));
    return { removed: doomed.map((layer) => layer.chainId), freed };
  }
}

function readRecord(directory: string): Layer | undefined {
  try {
    const { chainId: id, diffId, parent, size } = readJson(join(directory, 'layer.json'), 1 << 16) as Partial<Layer>;
    const diff = join(directory, 'diff');
    if (!isDigest(id) || !isDigest(diffId) || typeof size !== 'number' || (parent !== undefined && !isDigest(parent)) || !lstatSync(diff).isDirectory())
      return undefined;
    return { chainId: id, diffId, ...(parent === undefined ? {} : { parent }), size, diff };
  } catch {
    return undefined; // no record, or half of one: not a layer
  }
}

/** A mode that no archive gives the root directory: what still has it when the layer is extracted was not in the archive. */
const untouchedMode = 0o1000;

/** Makes the empty directory that a layer is extracted into. */
export function makeLayerRoot(path: string): void {
  mkdirSync(path, { mode: 0o700 });
  chmodSync(path, untouchedMode);
}

/** Overlay shows the owner and mode of the uppermost root: a layer that says nothing about it must not change it. */
function finishLayerRoot(path: string, below: string | undefined): void {
  if ((lstatSync(path).mode & 0o7777) !== untouchedMode) return;
  if (below === undefined) chmodSync(path, 0o755);
  else copyOwnerAndMode(below, path);
}

/** Gives `directory` the owner and mode of `model`: what a layer or a container says nothing about is as below. */
export function copyOwnerAndMode(model: string, directory: string): void {
  const status = lstatSync(model);
  if (status.uid !== 0 || status.gid !== 0) chownSync(directory, status.uid, status.gid);
  chmodSync(directory, status.mode & 0o7777);
}
