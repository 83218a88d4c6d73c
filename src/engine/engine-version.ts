/** The engine's version: package.json's, above this file in the source tree and in the bundle alike. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';

let known: string | undefined;

/** Such as `0.1.0`; `unknown` when the package is not complete. */
export function engineVersion(): string {
  known ??= readVersion();
  return known;
}

function readVersion(): string {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(import.meta.dirname, up), 'utf8')) as { name: string; version: string };
      if (name === 'hakobune') return version;
    } catch {
      // not there: one directory further up
    }
  }
  return 'unknown';
}
