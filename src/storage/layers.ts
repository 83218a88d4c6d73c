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
import { isDigest, type Digest } from './digest.ts';
import { StorageError, asStorageError } from './error.ts';
import type { LayerPool } from './layer-pool.ts';
import { Leases } from './leases.ts';

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

  get(chainId: Digest): Layer | undefined {
    return this.#layers.get(chainId);
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
    for (let id: Digest | undefined = top; id !== undefined; ) {
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
    const number = ++this.#last;
    const temporary = join(this.#root, `${number}${temporarySuffix}`);
    const place = join(this.#root, String(number));
    try {
      mkdirSync(join(temporary, 'diff'), { recursive: true, mode: 0o755 });
      chmodSync(join(temporary, 'diff'), 0o755); // whatever the umask
      const size = await fill(join(temporary, 'diff'));
      await below;
      if (plan.parent !== undefined && !this.#layers.has(plan.parent)) throw new StorageError('failed', `the layer ${plan.parent} disappeared while the one above it was made`);
      const record = { chainId: plan.chainId, diffId: plan.diffId, ...(plan.parent === undefined ? {} : { parent: plan.parent }), size };
      replaceFile(join(temporary, 'layer.json'), readableJson(record));
      renameSync(temporary, place);
      const layer = { ...record, diff: join(place, 'diff') };
      this.#layers.set(plan.chainId, layer);
      return layer;
    } catch (error) {
      await this.#pool.remove(temporary);
      throw asStorageError(error, `make the layer ${plan.diffId}`);
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
      for (let layer = this.#layers.get(id); layer && !needed.has(layer.chainId); layer = layer.parent === undefined ? undefined : this.#layers.get(layer.parent)) needed.add(layer.chainId);
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
    const { chainId, diffId, parent, size } = readJson(join(directory, 'layer.json'), 1 << 16) as Partial<Layer>;
    const diff = join(directory, 'diff');
    if (!isDigest(chainId) || !isDigest(diffId) || typeof size !== 'number' || (parent !== undefined && !isDigest(parent)) || !lstatSync(diff).isDirectory()) return undefined;
    return { chainId, diffId, ...(parent === undefined ? {} : { parent }), size, diff };
  } catch {
    return undefined; // no record, or half of one: not a layer
  }
}

/** Gives `directory` the owner and mode of `model`: what a layer or a container says nothing about is as below. */
export function copyOwnerAndMode(model: string, directory: string): void {
  const status = lstatSync(model);
  if (status.uid !== 0 || status.gid !== 0) chownSync(directory, status.uid, status.gid);
  chmodSync(directory, status.mode & 0o7777);
}
