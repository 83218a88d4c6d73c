/**
 * The configuration of an image (OCI image-spec, config.md; Docker's is the same with more fields): what containers
 * inherit, which layers there are, and how they came to be. The digest of its bytes is the image's id, so what was
 * received is never written again; this reads and checks it.
 */
import { parseJson } from '../storage/atomic.ts';
import { requireDigest, type Digest } from '../storage/digest.ts';
import { invalid } from '../storage/error.ts';
import { stringMap } from './manifest.ts';

/** What containers inherit. Names and shapes as in the Docker Engine API; absent fields say nothing. */
export interface ImageConfig {
  User?: string;
  ExposedPorts?: Record<string, Record<string, never>>;
  Env?: string[];
  Entrypoint?: string[];
  Cmd?: string[];
  Healthcheck?: Healthcheck;
  ArgsEscaped?: boolean;
  Volumes?: Record<string, Record<string, never>>;
  WorkingDir?: string;
  OnBuild?: string[];
  Labels?: Record<string, string>;
  StopSignal?: string;
  Shell?: string[];
}

/** Times in nanoseconds. */
export interface Healthcheck {
  Test?: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

export interface HistoryEntry {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

export interface ImageConfiguration {
  /** RFC 3339. */
  readonly created?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly docker_version?: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly os: string;
  readonly 'os.version'?: string;
  readonly config: ImageConfig;
  readonly rootfs: { readonly type: 'layers'; readonly diff_ids: readonly Digest[] };
  /** Oldest first. */
  readonly history: readonly HistoryEntry[];
}

/** Configurations are small; what is larger is an attack on the memory. */
export const maximumConfigBytes = 8 << 20;

/**
 * Reads a configuration.
 * @param name what messages call it
 * @throws StorageError (invalid) when a field has the wrong type, or the image is not for Linux
 */
export function parseConfiguration(bytes: Uint8Array, name: string): ImageConfiguration {
  const fields = new Fields(parseJson(bytes, name), name);
  const rootfs = new Fields(fields.take('rootfs'), `${name}: rootfs`);
  const diffIds: unknown = rootfs.take('diff_ids') ?? [];
  if (!Array.isArray(diffIds)) throw invalid(`${name}: rootfs.diff_ids is not a list`);
  const history: unknown = fields.take('history') ?? [];
  if (!Array.isArray(history)) throw invalid(`${name}: history is not a list`);
  const os = fields.string('os');
  const architecture = fields.string('architecture');
  if (os === undefined || architecture === undefined) throw invalid(`${name} does not say for which os and architecture it is`);
  if (os !== 'linux') throw invalid(`${name} is for ${os}; only Linux images can run here`);
  return {
    ...fields.strings('created', 'author', 'comment', 'docker_version', 'variant', 'os.version'),
    architecture,
    os,
    config: parseImageConfig(fields.take('config') ?? {}, `${name}: config`),
    rootfs: { type: 'layers', diff_ids: diffIds.map((id, i) => requireDigest(id, `${name}: layer ${i + 1}`)) },
    history: history.map((entry: unknown, i) => {
      const item = new Fields(entry, `${name}: history[${i}]`);
      return { ...item.strings('created', 'created_by', 'author', 'comment'), ...item.booleans('empty_layer') };
    }),
  };
}

/** Checks the part that containers inherit. */
function parseImageConfig(value: unknown, name: string): ImageConfig {
  const fields = new Fields(value, name);
  const health = fields.take('Healthcheck');
  const labels = fields.take('Labels');
  return {
    ...fields.strings('User', 'WorkingDir', 'StopSignal'),
    ...fields.lists('Env', 'Entrypoint', 'Cmd', 'OnBuild', 'Shell'),
    ...fields.sets('ExposedPorts', 'Volumes'),
    ...fields.booleans('ArgsEscaped'),
    ...(labels === undefined ? {} : { Labels: stringMap(labels, `${name}.Labels`) }),
    ...(health === undefined ? {} : { Healthcheck: parseHealthcheck(health, `${name}.Healthcheck`) }),
  };
}

function parseHealthcheck(value: unknown, name: string): Healthcheck {
  const fields = new Fields(value, name);
  return { ...fields.lists('Test'), ...fields.numbers('Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries') };
}

/** The fields of an object from outside, taken by type. Null counts as absent, as Go writes it. */
class Fields {
  readonly #object: Record<string, unknown>;
  readonly #name: string;

  constructor(value: unknown, name: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${name} is not a JSON object`);
    this.#object = value as Record<string, unknown>;
    this.#name = name;
  }

  take(key: string): unknown {
    return (Object.hasOwn(this.#object, key) ? this.#object[key] : undefined) ?? undefined;
  }

  string(key: string): string | undefined {
    return this.strings(key)[key];
  }

  strings<K extends string>(...keys: K[]): { [P in K]?: string } {
    return this.#all(keys, 'a string', (v): v is string => typeof v === 'string');
  }

  booleans<K extends string>(...keys: K[]): { [P in K]?: boolean } {
    return this.#all(keys, 'true or false', (v): v is boolean => typeof v === 'boolean');
  }

  numbers<K extends string>(...keys: K[]): { [P in K]?: number } {
    return this.#all(keys, 'a number', (v): v is number => typeof v === 'number');
  }

  lists<K extends string>(...keys: K[]): { [P in K]?: string[] } {
    return this.#all(keys, 'a list of strings', (v): v is string[] => Array.isArray(v) && v.every((s) => typeof s === 'string'));
  }

  /** Go's sets: an object whose keys count. */
  sets<K extends string>(...keys: K[]): { [P in K]?: Record<string, Record<string, never>> } {
    const maps = this.#all(keys, 'an object', (v): v is Record<string, unknown> => typeof v === 'object' && !Array.isArray(v));
    return Object.fromEntries(Object.entries(maps).map(([key, map]) => [key, Object.fromEntries(Object.keys(map as object).map((k) => [k, {}]))])) as {
      [P in K]?: Record<string, Record<string, never>>;
    };
  }

  #all<K extends string, T>(keys: readonly K[], what: string, is: (value: unknown) => value is T): { [P in K]?: T } {
    const taken: { [P in K]?: T } = {};
    for (const key of keys) {
      const value = this.take(key);
      if (value === undefined) continue;
      if (!is(value)) throw invalid(`${this.#name}: ${key} is not ${what}`);
      taken[key] = value;
    }
    return taken;
  }
}
