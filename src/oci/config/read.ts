/** config.json and its parts, from file or value to what the runtime takes; or one sentence with all that is wrong. */
import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, statSync } from 'node:fs';
import { isUtf8 } from 'node:buffer';
import { absolutePath } from '../../kernel/absolute-path.ts';
import type { ProcessSpec, Resources, Spec } from '../../runtime/spec.ts';
import { because, OciError } from '../error.ts';
import { configSchema, isBind } from './config-schema.ts';
import { checkJoinedUser } from './joined-user.ts';
import { parseJson } from './json.ts';
import { processSchema } from './process-schema.ts';
import { resourcesSchema } from './resources-schema.ts';
import { Reading, type Schema } from './schema.ts';

/** What is odd in a document that can be used. */
export interface Oddities {
  /** What its author should know: names that were left out, properties that no kernel has any more. */
  readonly warnings: readonly string[];
  /** What only interests who looks for something: properties that nobody knows. Other runtimes may. */
  readonly notes: readonly string[];
}

/** A configuration that can be used. */
export interface ValidConfig extends Oddities {
  readonly spec: Spec;
}

/** The most that a document may have, so that nobody's file fills the memory. */
const mostBytes = 16 * 2 ** 20;

/**
 * Reads and checks `BUNDLE/config.json`. Paths that are relative to the bundle become absolute: the root's, which must be a
 * directory, and the sources of bind mounts.
 * @param bundle absolute
 * @param file another file than the bundle's config.json
 * @throws OciError naming what is wrong, by its path in the document
 */
export function readConfig(bundle: string, file = `${bundle}/config.json`): ValidConfig {
  const { spec, ...odd } = validateConfig(parseJson(readDocument(file, 'config.json'), 'config.json'));
  checkJoinedUser(spec.linux);
  const inBundle = (path: string): string => (path.startsWith('/') ? path : absolutePath(`${bundle}/${path}`));
  const mounts = spec.mounts.map((mount) => (isBind(mount) ? { ...mount, source: inBundle(mount.source) } : mount));
  return { spec: { ...spec, mounts, root: { ...spec.root, path: rootDirectory(inBundle(spec.root.path)) } }, ...odd };
}

/** The root's real path. */
function rootDirectory(path: string): string {
  let real: string;
  try {
    real = realpathSync.native(path);
  } catch (error) {
    throw new OciError(`config.json: root.path: invalid rootfs ${path}: ${because(error)}`);
  }
  if (!statSync(real).isDirectory()) throw new OciError(`config.json: root.path: invalid rootfs ${path}: it is not a directory`);
  return real;
}

/** Checks a configuration. @throws OciError with the first of all problems */
export const validateConfig = (json: unknown): ValidConfig => {
  const { value, ...odd } = validate(configSchema, json, 'config.json');
  return { spec: value, ...odd };
};

/** Checks a process, as `exec --process` is given it. */
export const validateProcess = (json: unknown, name = 'the process'): Oddities & { readonly process: ProcessSpec } => {
  const { value, ...odd } = validate(processSchema, json, name);
  return { process: value, ...odd };
};

/** Checks limits, as `update --resources` is given them. */
export const validateResources = (json: unknown, name = 'the resources'): Oddities & { readonly resources: Resources } => {
  const { value, ...odd } = validate(resourcesSchema, json, name);
  return { resources: value, ...odd };
};

function validate<T>(schema: Schema<T>, json: unknown, name: string): Oddities & { readonly value: T } {
  const reading = new Reading();
  const value = schema.read(json, reading);
  const wrong = reading.sentence();
  if (wrong !== undefined || value === undefined) throw new OciError(`${name}: ${wrong}`);
  return {
    value,
    warnings: reading.warnings.map((warning) => `${name}: ${warning}`),
    notes: reading.unknownPaths.map((path) => `${name}: ${path} is not a property that the runtime specification 1.2 has: it was not looked at`),
  };
}

/**
 * The text of a document's file: a regular file of bounded size, so that neither a FIFO nor /dev/zero can hold up the runtime.
 * @param name what an error calls it
 */
export function readDocument(path: string, name: string): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    throw new OciError(`${name}: ${path} cannot be opened: ${because(error)}`);
  }
  try {
    const { size } = regular(fd, path, name);
    const bytes = Buffer.allocUnsafe(Math.min(size + 1, mostBytes + 1));
    let length = 0;
    for (;;) {
      const read = readSync(fd, bytes, length, bytes.length - length, null);
      length += read;
      if (read === 0 || length === bytes.length) break;
    }
    if (length > size) throw new OciError(`${name}: ${path} grows while it is read`);
    const text = bytes.subarray(0, length);
    if (!isUtf8(text)) throw new OciError(`${name}: ${path} is not UTF-8`);
    return text.toString('utf8');
  } finally {
    closeSync(fd);
  }
}

function regular(fd: number, path: string, name: string): { readonly size: number } {
  const file = fstatSync(fd);
  if (!file.isFile()) throw new OciError(`${name}: ${path} is not a regular file`);
  if (file.size > mostBytes) throw new OciError(`${name}: ${path} has ${file.size} bytes; at most ${mostBytes} are read`);
  return file;
}
