/** The client's own version: package.json's, above this file in the source tree and in the bundle alike. */
import { join } from 'node:path';
import { readFileSync } from 'node:fs';

export function clientVersion(): string {
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
