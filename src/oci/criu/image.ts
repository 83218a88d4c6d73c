/**
 * What hako-oci adds to the files of a checkpoint: what the container has from outside. criu(8) cannot make these things anew, so it
 * is told their names when it dumps, and what they are here when it restores.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OciError } from '../error.ts';

/** A mount whose source is outside of the container. */
export interface ExternalMount {
  /** In the container; also criu's name for it. */
  readonly destination: string;
  /** A bind mount of the configuration, a device of the host by its name, or the container's cgroup in the hierarchy of that title. */
  readonly from: 'bind' | `device ${string}` | `cgroup ${string}`;
  /** Those of {@link keptOptions} that it has. */
  readonly options: readonly string[];
}

/** Options of a mount that limit what can be done by it. criu loses them where two mounts are of the same file system. */
export const keptOptions = ['ro', 'nosuid', 'nodev', 'noexec'] as const;

/** `hako-oci.json` of a checkpoint. */
export interface Externals {
  readonly mounts: readonly ExternalMount[];
  /** Of each standard stream that was opened outside, criu's name for it: `pipe:[123]`, `file[1a:3]`; null for the others. */
  readonly streams: readonly (string | null)[];
  /** Namespaces that were joined by their path, with criu's names for them. */
  readonly namespaces: readonly { readonly type: string; readonly name: string }[];
}

const nameIn = (directory: string): string => join(directory, 'hako-oci.json');

export function writeExternals(directory: string, externals: Externals): void {
  writeFileSync(nameIn(directory), `${JSON.stringify(externals)}\n`, { mode: 0o600 });
}

/** @throws OciError where the directory is no checkpoint of hako-oci's */
export function readExternals(directory: string): Externals {
  const wrong = (why: string): OciError => new OciError(`${directory} is no checkpoint of hako-oci's: ${nameIn(directory)} ${why}`);
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(nameIn(directory), 'utf8'));
  } catch (error) {
    throw wrong(`cannot be read (${(error as Error).message})`);
  }
  const { mounts, streams, namespaces } = (read ?? {}) as Partial<Externals>;
  const text = (value: unknown): boolean => typeof value === 'string' && !value.includes('\0');
  const options = (value: unknown): boolean => Array.isArray(value) && value.every(text);
  if (!Array.isArray(mounts) || mounts.some((mount: ExternalMount | null) => !text(mount?.destination) || !text(mount?.from) || !options(mount?.options)))
    throw wrong('has no list of mounts');
  if (!Array.isArray(streams) || streams.length > 3 || streams.some((name) => name !== null && !text(name))) throw wrong('has no list of streams');
  if (!Array.isArray(namespaces) || namespaces.some((one: { type?: unknown; name?: unknown } | null) => !text(one?.type) || !text(one?.name)))
    throw wrong('has no list of namespaces');
  return { mounts, streams, namespaces };
}
