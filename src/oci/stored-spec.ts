/**
 * The configuration that a container was created with, beside its state: the commands after `create` go by it, whatever has become of
 * the bundle meanwhile.
 */
import { writeFileSync } from 'node:fs';
import type { Spec } from '../runtime/spec.ts';
import { formatJson, parseJson } from './config/json.ts';
import { readDocument, validateConfig } from './config/read.ts';
import { because, OciError } from './error.ts';

const nameOf = (directory: string): string => `${directory}/config.json`;

/** Writes it. @param directory the container's */
export function writeStoredSpec(directory: string, spec: Spec): void {
  try {
    writeFileSync(nameOf(directory), formatJson(spec), { mode: 0o600 });
  } catch (error) {
    throw new OciError(`could not write ${nameOf(directory)}: ${because(error)}`);
  }
}

/** Reads it. @throws OciError where it is not there or damaged */
export function readStoredSpec(directory: string): Spec {
  const name = "the container's configuration";
  return validateConfig(parseJson(readDocument(nameOf(directory), name), name)).spec;
}
