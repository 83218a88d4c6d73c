/**
 * Named volumes: directories that outlive containers. Names, shapes and errors are those of Docker's `local` driver.
 *
 *     volumes/NAME/_data        the files
 *     volumes/NAME/volume.json  { name, createdAt, labels, options }
 *
 * The directory is closed to others (0700); a volume's own `_data` has the mode that its first user gives it.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, readableJson, replaceFile, temporarySuffix } from './atomic.ts';
import { StorageError, asStorageError, invalid } from './error.ts';
import type { LayerPool } from './layer-pool.ts';
import { removal, removeTree } from './remove-tree.ts';
import { copyUp } from './volume-copy-up.ts';

/** In the shape of the Docker Engine API. */
export interface Volume {
  readonly Name: string;
  readonly Driver: 'local';
  readonly Mountpoint: string;
  /** RFC 3339. */
  readonly CreatedAt: string;
  readonly Labels: Record<string, string> | null;
  readonly Scope: 'local';
  readonly Options: Record<string, string> | null;
}

export interface VolumeCreateOptions {
  /** Absent or empty: 64 hexadecimal digits, and the label of anonymous volumes. */
  readonly Name?: string;
  readonly Driver?: string;
  readonly DriverOpts?: Readonly<Record<string, string>>;
  readonly Labels?: Readonly<Record<string, string>>;
}

/** Volumes that were made for a container without a name carry this label, as Docker's do. */
export const anonymousLabel = 'com.docker.volume.anonymous';

/** Docker's filters: names to values, each filter holds when one of its values does (labels: all). */
export type VolumeFilters = Readonly<Record<string, readonly string[]>>;

/** What volume.json holds, besides the name. */
interface VolumeRecord {
  readonly createdAt?: string;
  readonly labels?: Record<string, string> | null;
  readonly options?: Record<string, string> | null;
}

const driverOptions = ['type', 'o', 'device'];
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

export class Volumes {
  readonly #root: string;
  readonly #pool: LayerPool;
  readonly #usedBy: (name: string) => readonly string[];
  readonly #volumes = new Map<string, Volume>();
  readonly #filling = new Map<string, Promise<void>>();

  private constructor(root: string, pool: LayerPool, usedBy: (name: string) => readonly string[]) {
    this.#root = root;
    this.#pool = pool;
    this.#usedBy = usedBy;
  }

  /**
   * Opens the volumes in `root`, making the directory when it is not there; half-removed ones are removed.
   * @param usedBy the ids of the containers that use a volume
   */
  static async open(root: string, pool: LayerPool, usedBy: (name: string) => readonly string[]): Promise<Volumes> {
    const volumes = new Volumes(root, pool, usedBy);
    try {
      mkdirSync(root, { recursive: true, mode: 0o700 });
      for (const name of readdirSync(root)) {
        if (name.endsWith(temporarySuffix)) await pool.remove(join(root, name));
        else volumes.#load(name);
      }
    } catch (error) {
      throw asStorageError(error, `open the volumes in ${root}`);
    }
    return volumes;
  }

  /** A directory whose record cannot be read is still a volume: it is never thrown away. */
  #load(name: string): void {
    const directory = join(this.#root, name);
    if (!lstatSync(directory).isDirectory() || !namePattern.test(name)) return;
    let record: VolumeRecord;
    try {
      record = readJson(join(directory, 'volume.json'), 1 << 20) ?? {};
    } catch {
      record = { createdAt: lstatSync(directory).birthtime.toISOString() };
    }
    this.#volumes.set(name, this.#volume(name, record.createdAt ?? '', record.labels ?? null, record.options ?? null));
  }

  #volume(name: string, createdAt: string, labels: Record<string, string> | null, options: Record<string, string> | null): Volume {
    return { Name: name, Driver: 'local', Mountpoint: join(this.#root, name, '_data'), CreatedAt: createdAt, Labels: labels, Scope: 'local', Options: options };
  }

  /**
   * Makes a volume, or returns the one that has this name already.
   * @throws StorageError `invalid` for a bad name, driver or option, `conflict` when the name is taken with other options
   */
  create(options: VolumeCreateOptions = {}): Volume {
    const anonymous = !options.Name;
    const name = options.Name || randomBytes(32).toString('hex');
    requireValid(name, options);
    const labels = { ...options.Labels, ...(anonymous ? { [anonymousLabel]: '' } : {}) };
    const wanted = emptyIsNull(options.DriverOpts);
    const existing = this.#volumes.get(name);
    if (existing) {
      if (wanted !== null && !sameOptions(wanted, existing.Options ?? {}))
        throw new StorageError('conflict', `the volume ${name} exists with other options: remove it first, or choose another name`);
      return existing;
    }
    const volume = this.#volume(name, new Date().toISOString(), emptyIsNull(labels), wanted);
    const directory = join(this.#root, name);
    const draft = directory + temporarySuffix;
    try {
      // Whole at once: cut off in between, nobody would know that an anonymous one is that.
      mkdirSync(join(draft, '_data'), { recursive: true, mode: 0o755 });
      chmodSync(join(draft, '_data'), 0o755); // whatever the umask
      chmodSync(draft, 0o711); // containers in a user namespace reach their own volume through its parent
      replaceFile(join(draft, 'volume.json'), readableJson({ name, createdAt: volume.CreatedAt, labels: volume.Labels, options: volume.Options }));
      renameSync(draft, directory);
    } catch (error) {
      removeTree(draft);
      throw asStorageError(error, `make the volume ${name}`);
    }
    this.#volumes.set(name, volume);
    return volume;
  }

  /** @throws StorageError (not-found) */
  inspect(name: string): Volume {
    const volume = this.#volumes.get(name);
    if (!volume) throw new StorageError('not-found', `get ${name}: no such volume`);
    return volume;
  }

  has(name: string): boolean {
    return this.#volumes.has(name);
  }

  /**
   * Volumes by name.
   * @param filters `dangling` (used by no container: true or false), `driver`, `label` (`KEY` or `KEY=VALUE`), `name` (part of it)
   */
  list(filters: VolumeFilters = {}): Volume[] {
    const unknown = Object.keys(filters).find((f) => !['dangling', 'driver', 'label', 'name'].includes(f));
    if (unknown !== undefined) throw invalid(`volumes cannot be filtered by ${JSON.stringify(unknown)}; known are dangling, driver, label and name`);
    return [...this.#volumes.values()].filter((v) => this.#matches(v, filters)).sort((a, b) => (a.Name < b.Name ? -1 : 1));
  }

  #matches(volume: Volume, filters: VolumeFilters): boolean {
    const some = (filter: string, test: (value: string) => boolean): boolean => !filters[filter]?.length || filters[filter].some(test);
    return (
      some('driver', (d) => d === volume.Driver) &&
      some('name', (n) => volume.Name.includes(n)) &&
      some('dangling', (d) => isTrue(d, 'dangling') === (this.#usedBy(volume.Name).length === 0)) &&
      (filters['label'] ?? []).every((l) => hasLabel(volume, l))
    );
  }

  /** Bytes in a volume. */
  size(name: string): Promise<number> {
    return this.#pool.size(this.inspect(name).Mountpoint);
  }

  /**
   * Removes a volume with all that is in it.
   * @param options `force`: one that is not there is no error (one in use still is, as with Docker)
   * @throws StorageError `not-found`, `conflict` while a container uses it
   */
  async remove(name: string, options: { readonly force?: boolean } = {}): Promise<void> {
    if (options.force && !this.#volumes.has(name)) return;
    const volume = this.inspect(name);
    const users = this.#usedBy(name);
    if (users.length > 0) throw new StorageError('conflict', `remove ${name}: volume is in use - [${users.join(', ')}]`);
    this.#volumes.delete(name);
    try {
      const work = removal(join(this.#root, name)); // out of its place at once: the name is free for a new volume
      if (work) await this.#pool.remove(work.rest);
    } catch (error) {
      if (existsSync(volume.Mountpoint)) this.#volumes.set(name, volume);
      throw asStorageError(error, `remove the volume ${name}`);
    }
  }

  /**
   * Removes the volumes that no container uses: the anonymous ones, or with the filter `all=true` every one.
   * @param filters `all`, `label`, `label!`
   */
  async prune(filters: VolumeFilters = {}): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }> {
    const unknown = Object.keys(filters).find((f) => !['all', 'label', 'label!'].includes(f));
    if (unknown !== undefined) throw invalid(`volumes cannot be pruned by ${JSON.stringify(unknown)}; known are all, label and label!`);
    const all = (filters['all'] ?? []).some((value) => isTrue(value, 'all'));
    const doomed = [...this.#volumes.values()].filter(
      (v) =>
        this.#usedBy(v.Name).length === 0 &&
        (all || hasLabel(v, anonymousLabel)) &&
        (filters['label'] ?? []).every((l) => hasLabel(v, l)) &&
        !(filters['label!'] ?? []).some((l) => hasLabel(v, l)),
    );
    let reclaimed = 0;
    for (const volume of doomed) {
      reclaimed += await this.size(volume.Name);
      await this.remove(volume.Name);
    }
    return { VolumesDeleted: doomed.map((v) => v.Name), SpaceReclaimed: reclaimed };
  }

  /**
   * Fills a new, empty volume with what the image has at the path where it will be mounted, with owners, modes and
   * all; a volume that holds something is left as it is.
   * @param rootfs descriptor of the container's root file system; the path is resolved beneath it, links included
   * @param path the mount point inside the container
   */
  async copyUp(name: string, rootfs: number, path: string): Promise<void> {
    const { Mountpoint: directory } = this.inspect(name);
    // Containers that start at the same time: the second finds what the first has filled in.
    const filling = (this.#filling.get(name) ?? Promise.resolve()).catch(() => undefined).then(() => copyUp(directory, rootfs, path));
    this.#filling.set(name, filling);
    try {
      await filling;
    } catch (error) {
      throw asStorageError(error, `fill the volume ${name} with the image's ${path}`);
    } finally {
      if (this.#filling.get(name) === filling) this.#filling.delete(name);
    }
  }
}

function requireValid(name: string, options: VolumeCreateOptions): void {
  if (!namePattern.test(name) || name.length > 200 || name.endsWith(temporarySuffix)) {
    throw invalid(
      `${JSON.stringify(name.slice(0, 200))} is no volume name: at least two of a-z, A-Z, 0-9, "_", "." and "-" are allowed, beginning with a letter or digit. For a directory of the host give an absolute path`,
    );
  }
  if (options.Driver && options.Driver !== 'local') throw invalid(`there is no volume driver ${JSON.stringify(options.Driver)}; only "local" is known`);
  const unknown = Object.keys(options.DriverOpts ?? {}).find((key) => !driverOptions.includes(key));
  if (unknown !== undefined) throw invalid(`the local volume driver has no option ${JSON.stringify(unknown)}; known are ${driverOptions.join(', ')}`);
}

const emptyIsNull = (record: Readonly<Record<string, string>> | undefined): Record<string, string> | null =>
  record && Object.keys(record).length > 0 ? { ...record } : null;

const sameOptions = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value);

function hasLabel(volume: Volume, label: string): boolean {
  const [key = '', ...value] = label.split('=');
  const actual = volume.Labels?.[key];
  return actual !== undefined && (value.length === 0 || actual === value.join('='));
}

function isTrue(value: string, filter: string): boolean {
  if (['true', '1'].includes(value.toLowerCase())) return true;
  if (['false', '0'].includes(value.toLowerCase())) return false;
  throw invalid(`the filter ${filter} takes true or false, not ${JSON.stringify(value)}`);
}
